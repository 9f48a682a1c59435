"""`napari-seamless instances`: numbered instances of labels of any size."""

from __future__ import annotations

import json
from typing import Any

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.options import PerAxis
from napari_seamless.cli.segment import standard_output_kept_clean
from napari_seamless.cli.several_numbers import SeveralNumbers


@click.command(cls=SeveralNumbers, short_help="Find the objects of labels one by one, and write OME-Zarr.")
@click.argument("labels")
@click.argument("output")
@click.option(
    "--method",
    type=click.Choice(["components", "watershed"]),
    default="components",
    show_default=True,
    help="Connected components, or these cut where objects touch.",
)
@click.option("--class", "label_value", type=int, metavar="N", help="The foreground.  [default: every label but 0]")
@click.option(
    "--connectivity",
    type=int,
    default=1,
    show_default=True,
    metavar="1|2|3",
    help="Voxels touch by faces, edges or corners.",
)
@click.option("--min-size", type=int, default=1, show_default=True, metavar="N", help="Drop instances of fewer voxels.")
@click.option(
    "--min-distance",
    type=float,
    metavar="D",
    help="Watershed: join maxima of the depth no farther apart.  [default: as deep as the deeper one]",
)
@click.option(
    "--spacing", type=PerAxis(float), metavar="Z Y X", help="Voxel size per axis.  [default: that of LABELS, else 1]"
)
@click.option("--memory-budget", metavar="SIZE", help="Memory to hold, such as 2GiB.  [default: half of what is free]")
@click.option("--chunk", type=PerAxis(int), metavar="N[,N,N]", help="Output chunk.  [default: 64, at most the volume]")
@click.option("--threads", type=int, metavar="N", help="Threads.  [default: one for each core]")
@click.option("--axes", metavar="NAMES", help="Name of each array axis, such as zyx, where the format has none.")
@click.option("--overwrite", is_flag=True, help="Replace an OUTPUT that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output and nothing else.")
@click.option("--quiet", is_flag=True, help="Show no progress bar and no summary; warnings and errors remain.")
@debug_option
def instances(
    labels: str,
    output: str,
    *,
    method: str,
    label_value: int | None,
    connectivity: int,
    min_size: int,
    min_distance: float | None,
    spacing: Any,
    memory_budget: str | None,
    chunk: Any,
    threads: int | None,
    axes: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the objects of LABELS, numbered from 1 on, and write OUTPUT as OME-Zarr 0.5.

    LABELS may be larger than the memory, and neither chunks nor threads change the result. A folder beside OUTPUT takes
    what is found meanwhile: little for components, a distance map of 4 bytes a voxel for a watershed. Ctrl-C leaves
    nothing behind.
    """
    # The engine and torch are imported here, so that help and wrong arguments answer at once.
    from napari_seamless.cli.instances_report import as_values, summary
    from napari_seamless.cli.steps_run import StepsReporter, with_steps
    from napari_seamless.engine.instances import InstanceSettings, write_instances

    settings = {
        "method": method,
        "label_value": label_value,
        "connectivity": connectivity,
        "min_size": min_size,
        "min_distance": min_distance,
        "spacing": spacing,
        "memory_budget": memory_budget,
        "chunk_size": chunk,
        "threads": threads,
    }
    with standard_output_kept_clean():
        chosen, reporter = InstanceSettings(**settings), StepsReporter("Finding instances", quiet=quiet)
        written = with_steps(write_instances, labels, output, chosen, axes=axes, overwrite=overwrite, reporter=reporter)
    if as_json:
        click.echo(json.dumps(as_values(written)))
    elif not quiet:
        click.echo(summary(written))
