"""The program `napari-seamless`: its commands behind one boundary for errors."""

from __future__ import annotations

import warnings

import click

from napari_seamless import __version__
from napari_seamless.cli.border_map import border_map
from napari_seamless.cli.boundary import OneSentenceGroup, debug_option
from napari_seamless.cli.demo import demo
from napari_seamless.cli.distance import distance
from napari_seamless.cli.info import info
from napari_seamless.cli.instances import instances
from napari_seamless.cli.mesh import mesh
from napari_seamless.cli.occupancy import occupancy
from napari_seamless.cli.segment import segment
from napari_seamless.cli.train import train
from napari_seamless.cli.tune import tune


@click.group(cls=OneSentenceGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="napari-seamless")
@debug_option
def program() -> None:
    """Segment volumes larger than memory, patch by patch, without seams."""


program.add_command(info)
program.add_command(segment)
program.add_command(train)
program.add_command(tune)
program.add_command(border_map)
program.add_command(distance)
program.add_command(instances)
program.add_command(mesh)
program.add_command(occupancy)
program.add_command(demo)


def main() -> None:
    """Run the command line with the arguments of the process and leave with its exit status.

    The status is 0 after success, 1 after an error that one sentence on standard error describes, 2 for a wrong
    argument, and 130 after Ctrl-C.
    """
    warnings.formatwarning = _one_line
    program()


def _one_line(message: Warning | str, *_: object, **__: object) -> str:
    """Shorten a Python warning to its text: the place in the code means nothing on a command line."""
    return f"Warning: {' '.join(str(message).split())}\n"
