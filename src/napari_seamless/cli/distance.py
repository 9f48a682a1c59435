"""`napari-seamless distance`: signed distance maps of labels of any size."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.options import PerAxis
from napari_seamless.cli.segment import standard_output_kept_clean

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEVERAL = {"--spacing", "--class"}
"""Options that take several numbers, with blanks or commas between them."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


class _SeveralNumbers(click.Command):
    """A command whose options may be followed by several numbers: ``--spacing 2 1 1``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join the numbers before they are read."""
        return super().parse_args(ctx, list(joined_numbers(args)))


def joined_numbers(words: list[str]) -> Iterator[str]:
    """Yield words with the numbers after an option that takes several joined by commas.

    Examples
    --------
    >>> list(joined_numbers(["--spacing", "2", "1", "1", "labels.zarr", "--class", "1", "2"]))
    ['--spacing', '2,1,1', 'labels.zarr', '--class', '1,2']
    """
    numbers: list[str] = []
    wanted = False
    for word in words:
        if wanted and _NUMBER.fullmatch(word):
            numbers.append(word)
            continue
        if numbers:
            yield ",".join(numbers)
            numbers, wanted = [], False
        wanted = word in _SEVERAL
        yield word
    if numbers:
        yield ",".join(numbers)


@click.command(cls=_SeveralNumbers, short_help="Measure how far each voxel is from each class, and write OME-Zarr.")
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
    from napari_seamless.cli.distance_run import DistanceReporter, as_values, measured, summary

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
        written = measured(labels, output, settings, DistanceReporter(quiet=quiet), axes=axes, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(as_values(written)))
    elif not quiet:
        click.echo(summary(written))


def _flat(groups: tuple[Any, ...]) -> list[int]:
    """Return the numbers of all uses of an option."""
    return [n for group in groups for n in (group if isinstance(group, tuple) else (group,))]
