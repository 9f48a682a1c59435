"""`napari-seamless tune`: which patch size, overlap, border mode and window are worth their time."""

from __future__ import annotations

import json
from typing import Any, get_args

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.options import PerAxis, run_options
from napari_seamless.cli.segment import standard_output_kept_clean
from napari_seamless.recipe import parse_bytes
from napari_seamless.types import WINDOW_SUFFIX, BorderMode, WindowKind

_NOT_HERE = {"patch_size", "overlap", "border", "window", "region", "write", "probability_dtype", "top_k"}


@click.command(short_help="Find which overlap, window, border mode and patch size are worth their time.")
@click.argument("source")
@click.option(
    "--model", required=True, metavar="PATH|demo", help="A TorchScript file, or demo for the bundled network."
)
@click.option("--truth", metavar="LABELS", help="Reference labels; without them the densest overlap is the measure.")
@click.option(
    "--region",
    metavar="INTERVALS",
    help="Where settings are compared, such as 64:192,0:128,: or z=64:192.  "
    "[default: two patches per axis, where the classes are or the intensities vary]",
)
@click.option(
    "--patch",
    type=PerAxis(int),
    multiple=True,
    metavar="N[,N,N]",
    help="Patch size; may be given several times.  [default: the network's own, else 64]",
)
@click.option(
    "--overlap",
    type=PerAxis(float),
    multiple=True,
    metavar="N[,N,N]",
    help="Overlap; may be given several times.  [default: 0, 0.25, 0.5 and 0.75]",
)
@click.option(
    "--border",
    type=click.Choice(get_args(BorderMode)),
    multiple=True,
    help="Border mode; may be given several times. Only with edge do all overlaps share their patches.  "
    "[default: edge]",
)
@click.option(
    "--window",
    type=click.Choice(get_args(WindowKind)),
    multiple=True,
    help="Window; may be given several times.  [default: all]",
)
@click.option(
    "--performance-window",
    "window_file",
    metavar="FILE",
    help="Also compare a window made of the errors by patch coordinate, and write it to FILE (.safetensors), for "
    "--window FILE. The errors are measured beside the scored region where there is room: a further pass.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.005,
    show_default=True,
    metavar="PART",
    help="Part of the best Dice that may be given up for time.",
)
@click.option(
    "--surface-tolerance",
    type=click.FloatRange(0),
    metavar="LENGTH",
    help="Distance that the surface Dice tolerates, in the units of the volume.  [default: one voxel]",
)
@click.option(
    "--cache", metavar="SIZE", help="Memory for predictions; more goes to disk.  [default: a quarter of what is free]"
)
@run_options(without=_NOT_HERE)
@click.option(
    "--axes", metavar="NAMES", help="Name of each array axis, such as zyx or czyx, where the format has none."
)
@click.option("--json", "json_file", metavar="FILE", help="Write the curve and the recommendation as JSON.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write the curve as a table.")
@click.option("--picture", metavar="FILE", help="Write curve and error by patch coordinate as PNG (extra: samples).")
@click.option("--recipe", metavar="FILE", help="Write the recommended settings, which segment --recipe runs.")
@click.option("--quiet", is_flag=True, help="Show no progress bar and no table; warnings and errors remain.")
@debug_option
def tune(
    source: str,
    *,
    model: str,
    truth: str | None,
    region: str | None,
    patch: tuple[Any, ...],
    overlap: tuple[Any, ...],
    border: tuple[BorderMode, ...],
    window: tuple[WindowKind, ...],
    window_file: str | None,
    tolerance: float,
    surface_tolerance: float | None,
    cache: str | None,
    axes: str | None,
    json_file: str | None,
    csv_file: str | None,
    picture: str | None,
    recipe: str | None,
    quiet: bool,
    **settings: Any,
) -> None:
    """Compare settings on a region of SOURCE and recommend the cheapest that is good enough.

    The region is evaluated once, with the densest overlap, and blended again for every coarser one and every window.
    Times are those of a run over the whole volume, predicted from what was measured. Ctrl-C stops after the current
    batch.
    """
    # The engine and torch are imported here, so that help and wrong arguments answer at once.
    from napari_seamless.cli.recipe_file import check_file, recipe_text, write_file
    from napari_seamless.cli.tune_report import as_csv, as_json, table
    from napari_seamless.cli.tuning import Choices, TuningReporter, TuningRequest, tuned
    from napari_seamless.plan import save_window

    for path in (json_file, csv_file, picture, recipe, window_file):
        check_file(path)
    _check_window_file(window_file)
    request = TuningRequest(
        source=source,
        model=model,
        truth=truth,
        region=region,
        choices=Choices(patches=patch, overlaps=overlap, borders=border, windows=window),
        tolerance=tolerance,
        surface_tolerance=surface_tolerance,
        cache_bytes=_bytes(cache),
        axes=axes,
        settings=settings,
        with_performance=picture is not None,
        window_file=window_file,
    )
    with standard_output_kept_clean():
        outcome = tuned(request, TuningReporter(quiet=quiet))
    if outcome.measured is not None and window_file is not None:
        save_window(outcome.measured.window, window_file, outcome.measured.about)
    write_file(json_file, json.dumps(as_json(outcome), indent=2) + "\n")
    write_file(csv_file, as_csv(outcome))
    write_file(recipe, recipe_text(outcome.settings, recipe))
    if picture is not None:
        from napari_seamless.cli.tune_picture import save_tuning_picture

        save_tuning_picture(outcome, picture)
    if not quiet:
        click.echo(table(outcome))


def _check_window_file(path: str | None) -> None:
    if path is not None and not path.endswith(WINDOW_SUFFIX):
        raise click.UsageError(f"--performance-window: the file must end in {WINDOW_SUFFIX}, got {path}.")


def _bytes(text: str | None) -> int | None:
    try:
        size = parse_bytes(text)
    except ValueError as error:
        raise click.UsageError(f"--cache: {error}.") from None
    return size if isinstance(size, int) else None
