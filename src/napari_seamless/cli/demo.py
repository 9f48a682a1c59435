"""`napari-seamless demo`: the whole path on a real brain, in a window or without one."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.options import run_options
from napari_seamless.errors import MissingDependencyError


@click.command(short_help="Segment a real brain with the bundled network.")
@click.option("--output", default="demo-output", show_default=True, metavar="FOLDER", help="Folder for all results.")
@click.option("--headless", is_flag=True, help="Open no window, even where there is a display.")
@run_options(without={"write", "probability_dtype", "top_k"})
@click.option(
    "--compare/--no-compare",
    default=True,
    show_default=True,
    help="Also run 64-voxel patches without overlap, to see what overlap is worth.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output; implies --headless.")
@click.option("--quiet", is_flag=True, help="Show no progress bar.")
@debug_option
def demo(output: str, *, headless: bool, compare: bool, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Segment the MNI152 brain with the bundled network.

    With a display this opens napari with the brain, the network and the run started. Without one it does the same run
    and leaves the labels as OME-Zarr, a picture and a summary in the output folder.
    """
    if not headless and not as_json and display_is_there():
        if window_is_installed():
            run_in_window()
            return
        click.echo("napari is not installed, so the demo runs without a window.", err=True)
    from napari_seamless.cli.demo_run import DemoRequest, run_headless
    from napari_seamless.cli.segment import standard_output_kept_clean

    request = DemoRequest(folder=Path(output), settings=settings, compare=compare, quiet=quiet)
    with standard_output_kept_clean():
        report, text = run_headless(request)
    click.echo(json.dumps(report) if as_json else text)


def display_is_there() -> bool:
    """Return whether a window can be shown: always on macOS and Windows, elsewhere where X11 or Wayland runs."""
    if sys.platform in {"darwin", "win32"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def window_is_installed() -> bool:
    """Return whether napari and a Qt binding are installed, without importing them."""
    bindings = ("PyQt6", "PySide6", "PyQt5", "PySide2")
    return importlib.util.find_spec("napari") is not None and any(map(importlib.util.find_spec, bindings))


def run_in_window() -> None:
    """Open napari with the brain and the run started, and stay until it is closed.

    Raises
    ------
    MissingDependencyError
        A part of the window is not installed.
    """
    try:
        from napari_seamless._qt.demo import run_demo
    except ImportError as error:
        raise MissingDependencyError(
            f"The window needs {error.name or 'napari'}; try pip install 'napari-seamless[napari]' 'napari[pyqt6]', "
            "or add --headless."
        ) from error
    run_demo()
