"""`napari-seamless occupancy`: segment a volume with an OSS-Net, and mesh what it finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.options import PerAxis
from napari_seamless.cli.segment import standard_output_kept_clean


@click.command(short_help="Segment a volume with an OSS-Net, coarse to fine.")
@click.argument("volume")
@click.argument("network")
@click.argument("output")
@click.option("--setting", metavar="NAME", help="Published setting of a state dict.  [default: the one that it fits]")
@click.option(
    "--stages",
    type=PerAxis(int),
    default="4,2,1",
    show_default=True,
    metavar="N,N,1",
    help="Voxels between the points of each stage; each divides the one before.",
)
@click.option(
    "--threshold", type=float, default=0.5, show_default=True, metavar="P", help="Occupancy of what is inside."
)
@click.option(
    "--low-resolution-threshold",
    type=float,
    metavar="P",
    help="Look first only where the network's coarse head exceeds this; published: 0.5.  [default: look everywhere]",
)
@click.option(
    "--pooling",
    type=click.Choice(["mean", "max"]),
    help="How large patches are pooled.  [default: as trained, mean for published weights]",
)
@click.option(
    "--normalization",
    type=click.Choice(["zscore", "none"]),
    default="zscore",
    show_default=True,
    help="Bring each modality to mean 0 and variance 1, or take it as it is.",
)
@click.option("--mesh", metavar="FILE.obj", help="Write the surface too, refined by the network.")
@click.option("--tensors", is_flag=True, help="Write FILE_vertices.pt and FILE_faces.pt beside the mesh.")
@click.option("--physical", is_flag=True, help="Vertices in the unit of VOLUME.  [default: in voxels, as published]")
@click.option("--triangles", type=int, default=10_000, show_default=True, metavar="N", help="Triangles of a mesh.")
@click.option("--steps", type=int, default=200, show_default=True, metavar="N", help="Steps of refinement; 0 for none.")
@click.option(
    "--min-voxels", type=float, default=12**3, show_default=True, metavar="N", help="Drop smaller components."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:0 or mps.")
@click.option("--memory-budget", metavar="SIZE", help="Memory to hold, such as 2GiB.  [default: half of what is free]")
@click.option("--chunk", type=PerAxis(int), metavar="N[,N,N]", help="Output chunk.  [default: 64, at most the volume]")
@click.option("--axes", metavar="NAMES", help="Name of each array axis, such as czyx, where the format has none.")
@click.option("--overwrite", is_flag=True, help="Replace what exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output and nothing else.")
@click.option("--quiet", is_flag=True, help="Show no progress bar and no summary; warnings and errors remain.")
@debug_option
def occupancy(
    volume: str, network: str, output: str, *, mesh: str | None, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Segment VOLUME with the OSS-Net in NETWORK and write OUTPUT as OME-Zarr 0.5.

    Every few voxels are looked at first, then what lies near to what was found. NETWORK is a .safetensors file that
    names its settings, or a published state dict. Ctrl-C keeps the stages that were written.
    """
    if mesh is None and (options["tensors"] or options["physical"]):
        raise click.UsageError("--tensors and --physical are about a mesh; give --mesh FILE.obj too.")
    # The engine and torch are imported here, so that help and wrong arguments answer at once.
    from napari_seamless.cli.occupancy_report import as_values, summary
    from napari_seamless.cli.occupancy_run import OccupancyRequest, run_occupancy

    request = OccupancyRequest(
        volume=volume, network=network, output=output, mesh=None if mesh is None else Path(mesh), options=options
    )
    with standard_output_kept_clean():
        outcome = run_occupancy(request, quiet=quiet)
    if as_json:
        click.echo(json.dumps(as_values(*outcome)))
    elif not quiet:
        click.echo(summary(*outcome))
