"""`napari-seamless border-map`: where the borders of labels are, for the sampling of a training."""

from __future__ import annotations

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.segment import standard_output_kept_clean


@click.command("border-map", short_help="Mark what lies near the borders of labels, and write OME-Zarr.")
@click.argument("labels")
@click.argument("output")
@click.option(
    "--classes",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="1: all labels above 0 are one class. More: 0 is the background, and each label below N a class.",
)
@click.option(
    "--chunk", type=click.IntRange(1), default=128, show_default=True, metavar="N", help="Output chunk, in voxels."
)
@click.option("--overwrite", is_flag=True, help="Replace an OUTPUT that exists.")
@click.option("--quiet", is_flag=True, help="Show no progress bar and no summary; warnings and errors remain.")
@debug_option
def border_map(labels: str, output: str, *, classes: int, chunk: int, overwrite: bool, quiet: bool) -> None:
    """Mark the voxels near a border of LABELS, and write OUTPUT as OME-Zarr 0.5: 1 there, 0 elsewhere.

    Near is where the Sobel gradient of a class is not zero, and 6 voxels around it along each axis. LABELS may be
    larger than the memory. train oss-net reads OUTPUT with --border-map instead of
    computing the same anew for every crop.
    """
    # The engine and torch are imported here, so that help and wrong arguments answer at once.
    from napari_seamless.cli.steps_run import StepsReporter, with_steps
    from napari_seamless.cli.wording import duration
    from napari_seamless.training.oss_net import write_border_map

    reporter = StepsReporter("Marking borders", quiet=quiet)
    choice = {"classes": classes, "chunk": chunk, "overwrite": overwrite}
    with standard_output_kept_clean():
        written = with_steps(write_border_map, labels, output, reporter=reporter, **choice)
    if not quiet:
        took = duration(written.seconds)
        click.echo(f"{written.path} marks {written.voxels} voxels near a border, after {took}.")
