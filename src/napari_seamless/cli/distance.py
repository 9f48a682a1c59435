"""`napari-seamless distance`: signed distance maps of labels of any size."""

from __future__ import annotations

import json
from typing import Any

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.options import PerAxis
from napari_seamless.cli.segment import standard_output_kept_clean
from napari_seamless.cli.several_numbers import SeveralNumbers


@click.command(cls=SeveralNumbers, short_help="Measure how far each voxel is from each class, and write OME-Zarr.")
@click.argument("labels")
@click.argument("output")
@click.option(
    "--spacing", type=PerAxis(float), metavar="Z Y X", help="Voxel size per axis.  [default: that of LABELS, else 1]"
)
@click.option(
    "--class",
    "classes",
    type=PerAxis(int),
    multiple=True,
    metavar="N ...",
    help="Label values in the order of the maps.  [default: 0 to the largest]",
)
@click.option(
    "--convention",
    type=click.Choice(["published", "exact"]),
    default="published",
    show_default=True,
    help="Centre to centre and inside one unit less, as for the boundary loss; or to the nearest face of the border.",
)
@click.option("--max-distance", type=float, metavar="D", help="Cut distances here; needs no folder.  [default: never]")
@click.option("--memory-budget", metavar="SIZE", help="Memory to hold, such as 2GiB.  [default: half of what is free]")
@click.option("--chunk", type=PerAxis(int), metavar="N[,N,N]", help="Output chunk.  [default: 64, at most the volume]")
@click.option("--threads", type=int, metavar="N", help="Threads.  [default: one for each core]")
@click.option("--axes", metavar="NAMES", help="Name of each array axis, such as zyx, where the format has none.")
@click.option("--overwrite", is_flag=True, help="Replace an OUTPUT that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output and nothing else.")
@click.option("--quiet", is_flag=True, help="Show no progress bar and no summary; warnings and errors remain.")
@debug_option
def distance(
    labels: str,
    output: str,
    *,
    spacing: Any,
    classes: tuple[Any, ...],
    convention: str,
    max_distance: float | None,
    memory_budget: str | None,
    chunk: Any,
    threads: int | None,
    axes: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure how far each voxel of LABELS is from each class, negative inside, and write OUTPUT as OME-Zarr 0.5.

    Distances are in the unit of the spacing. LABELS may be larger than the memory: without --max-distance a folder
    beside OUTPUT takes 4 bytes a voxel for each class while the command runs. Ctrl-C leaves nothing behind.
    """
    # The engine and torch are imported here, so that help and wrong arguments answer at once.
    from napari_seamless.cli.distance_report import as_values, summary
    from napari_seamless.cli.steps_run import StepsReporter, with_steps
    from napari_seamless.engine.distance import DistanceSettings, write_distance_map

    settings = {
        "spacing": spacing,
        "classes": _flat(classes) or None,
        "convention": convention,
        "max_distance": max_distance,
        "memory_budget": memory_budget,
        "chunk_size": chunk,
        "threads": threads,
    }
    with standard_output_kept_clean():
        chosen, reporter = DistanceSettings(**settings), StepsReporter("Measuring distances", quiet=quiet)
        written = with_steps(
            write_distance_map, labels, output, chosen, axes=axes, overwrite=overwrite, reporter=reporter
        )
    if as_json:
        click.echo(json.dumps(as_values(written)))
    elif not quiet:
        click.echo(summary(written))


def _flat(groups: tuple[Any, ...]) -> list[int]:
    """Return the numbers of all uses of an option."""
    return [n for group in groups for n in (group if isinstance(group, tuple) else (group,))]
