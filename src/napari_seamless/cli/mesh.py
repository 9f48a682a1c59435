"""`napari-seamless mesh`: surfaces of labels and fields of any size, as files."""

from __future__ import annotations

import json
from typing import Any

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.options import PerAxis
from napari_seamless.cli.segment import standard_output_kept_clean
from napari_seamless.cli.several_numbers import SeveralNumbers


@click.command(cls=SeveralNumbers, short_help="Make surfaces of labels, and write them as meshes.")
@click.argument("labels")
@click.argument("output")
@click.option(
    "--label", type=PerAxis(int), multiple=True, metavar="N ...", help="Labels or channels.  [default: all but 0]"
)
@click.option("--triangles", type=int, metavar="N", help="Triangles that a surface may have.  [default: any number]")
@click.option(
    "--max-error", type=float, metavar="D", help="How far simplification may move a surface, in the unit of LABELS."
)
@click.option("--smoothing", type=int, metavar="N", help="Iterations of smoothing.  [default: for labels only]")
@click.option("--min-volume", type=float, default=0.0, metavar="V", help="Drop components that enclose less.")
@click.option("--fill-cavities", is_flag=True, help="Drop surfaces that lie inside an object.")
@click.option("--open-border", is_flag=True, help="Leave surfaces open where objects reach the border of the volume.")
@click.option(
    "--kind",
    type=click.Choice(["labels", "probabilities", "distance"]),
    help="What the voxels are.  [default: as the file tells]",
)
@click.option("--level", type=float, metavar="X", help="Where the surface of a field lies.  [default: 0.5, or 0]")
@click.option("--region", metavar="BOX", help='Part of LABELS in voxels, such as "z=64:128, x=:50".')
@click.option("--scale", type=int, default=0, show_default=True, metavar="N", help="Level of the pyramid to use.")
@click.option("--value", "values", multiple=True, metavar="NAME=PATH", help="Volume that is sampled at the vertices.")
@click.option("--each", is_flag=True, help="Write a file for each surface, into a folder.")
@click.option(
    "--spacing", type=PerAxis(float), metavar="Z Y X", help="Voxel size per axis.  [default: that of LABELS, else 1]"
)
@click.option("--memory-budget", metavar="SIZE", help="Memory to hold, such as 2GiB.  [default: half of what is free]")
@click.option("--threads", type=int, metavar="N", help="Threads.  [default: one for each core]")
@click.option("--axes", metavar="NAMES", help="Name of each array axis, such as zyx, where the format has none.")
@click.option("--overwrite", is_flag=True, help="Replace an OUTPUT that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output and nothing else.")
@click.option("--quiet", is_flag=True, help="Show no progress bar and no summary; warnings and errors remain.")
@debug_option
def mesh(
    labels: str,
    output: str,
    *,
    label: tuple[Any, ...],
    open_border: bool,
    values: tuple[str, ...],
    each: bool,
    axes: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Make the surfaces of LABELS, probabilities or a distance map, and write OUTPUT.

    OUTPUT ends in .glb, .obj, .ply, .stl or .vtp, or in .precomputed for Neuroglancer. LABELS may be larger than the
    memory; a folder beside OUTPUT takes what is found meanwhile. Ctrl-C leaves nothing behind.
    """
    # The engine and torch are imported here, so that help and wrong arguments answer at once.
    from napari_seamless.cli.mesh_report import as_values, summary
    from napari_seamless.cli.steps_run import StepsReporter, with_steps
    from napari_seamless.engine.mesh import MeshSettings, write_meshes

    numbers = [int(n) for given in label for n in (given if isinstance(given, tuple) else (given,))]
    settings |= {"labels": numbers or None, "closed": not open_border, "values": dict(map(_named_path, values))}
    with standard_output_kept_clean():
        chosen, reporter = MeshSettings(**settings), StepsReporter("Making meshes", quiet=quiet)
        written = with_steps(
            write_meshes, labels, output, chosen, each=each, axes=axes, overwrite=overwrite, reporter=reporter
        )
    if as_json:
        click.echo(json.dumps(as_values(written)))
    elif not quiet:
        click.echo(summary(written))


def _named_path(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise click.BadParameter(f"{text!r} is no NAME=PATH, such as distance=map.ome.zarr.", param_hint="--value")
    return name, path
