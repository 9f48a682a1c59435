"""`napari-seamless segment`: run a network over a volume and write OME-Zarr."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.options import run_options

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command(short_help="Run a network over a volume and write OME-Zarr.")
@click.argument("source")
@click.argument("output")
@click.option(
    "--model", required=True, metavar="PATH|demo", help="A TorchScript file, or demo for the bundled network."
)
@run_options()
@click.option(
    "--axes", metavar="NAMES", help="Name of each array axis, such as zyx or czyx, where the format has none."
)
@click.option(
    "--recipe", metavar="FILE", help="Settings as JSON, such as tune --recipe writes; what is given beside it wins."
)
@click.option("--truth", metavar="LABELS", help="Reference labels; the Dice score of each class is reported.")
@click.option("--overwrite", is_flag=True, help="Replace an OUTPUT that exists.")
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped; its settings must be the same.")
@click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="Run on N local processes (extra: distributed); same bytes."
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="Run on the cluster of a dask scheduler, such as tcp://10.0.0.1:8786."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output and nothing else.")
@click.option("--quiet", is_flag=True, help="Show no progress bar and no summary; warnings and errors remain.")
@debug_option
def segment(
    source: str,
    output: str,
    *,
    model: str,
    axes: str | None,
    recipe: str | None,
    truth: str | None,
    overwrite: bool,
    resume: bool,
    workers: int | None,
    scheduler: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Segment SOURCE patch by patch and write OUTPUT as OME-Zarr 0.5.

    A value per axis is one number for all axes, or one number for each axis joined by commas: --patch 64 or
    --patch 32,64,64. Ctrl-C stops after the current batch and keeps what is finished.
    """
    if overwrite and resume:
        raise click.UsageError("--overwrite and --resume contradict each other; choose one of them.")
    if workers is not None and scheduler is not None:
        raise click.UsageError("--workers starts processes here and --scheduler uses others; choose one of them.")
    # The engine and torch are imported here, so that help and wrong arguments answer at once.
    from napari_seamless.cli.progress import TerminalReporter
    from napari_seamless.cli.recipe_file import with_recipe
    from napari_seamless.cli.report import as_json as reported
    from napari_seamless.cli.report import summary
    from napari_seamless.cli.run import Request, run

    request = Request(
        source=source,
        output=output,
        model=model,
        settings=with_recipe(recipe, settings),
        axes=axes,
        truth=truth,
        overwrite=overwrite,
        resume=resume,
        workers=workers,
        scheduler=scheduler,
    )
    with standard_output_kept_clean():
        outcome = run(request, TerminalReporter(quiet=quiet))
    if as_json:
        click.echo(json.dumps(reported(outcome)))
    elif not quiet:
        click.echo(summary(outcome))


@contextmanager
def standard_output_kept_clean() -> Iterator[None]:
    """Send what a network or library prints to standard error: standard output belongs to the report."""
    with redirect_stdout(sys.stderr):
        yield
