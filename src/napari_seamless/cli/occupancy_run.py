"""What `napari-seamless occupancy` does between its arguments and its report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_seamless.cli.steps_run import StepsReporter, with_steps
from napari_seamless.engine.events import Progress
from napari_seamless.engine.occupancy import (
    OccupancySegmentation,
    OccupancySettings,
    occupancy_meshes,
    occupancy_refinement,
    segment_occupancy,
    write_occupancy_mesh,
)
from napari_seamless.errors import ModelError, OutputExistsError
from napari_seamless.mesh.finish.refinement import Refinement
from napari_seamless.models.oss_net import load
from napari_seamless.models.oss_net.recognise import is_oss_net_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.models.oss_net import OSSNet


@dataclass(frozen=True, slots=True, kw_only=True)
class OccupancyRequest:
    """The arguments of the command.

    Parameters
    ----------
    volume, network, output : str
        Paths.
    mesh : Path or None
        File for the mesh.
    options : mapping
        The other options by name.
    """

    volume: str
    network: str
    output: str
    mesh: Path | None
    options: Mapping[str, Any]


class OccupancyReporter(StepsReporter):
    """A bar for what is measured and encoded, then one for coordinates."""

    _answering = False

    def __call__(self, event: Any) -> None:
        """Show one event."""
        if isinstance(event, Progress) and not self._answering:
            self._answering = True
            self._open_bar(event.total, self._format)
        super().__call__(event)


def run_occupancy(request: OccupancyRequest, *, quiet: bool) -> tuple[OccupancySegmentation, tuple[str, ...]]:
    """Segment, and mesh where that is asked for; return the result and the files of the mesh."""
    options = request.options
    settings = _settings(options)
    if request.mesh is not None and request.mesh.exists() and not options["overwrite"]:
        raise OutputExistsError(f"The output {request.mesh} exists already; choose another path, or use --overwrite.")
    network = _network(request.network, options["setting"])
    written = with_steps(
        segment_occupancy,
        request.volume,
        network,
        settings,
        request.output,
        axes=options["axes"],
        overwrite=options["overwrite"],
        reporter=OccupancyReporter("Segmenting", quiet=quiet),
    )
    if request.mesh is None:
        return written, ()
    return written, _mesh(request, network, settings, written, quiet=quiet)


def _network(path: str, setting: str | None) -> OSSNet:
    if setting is None and Path(path).is_file() and not is_oss_net_file(path):
        raise ModelError(f"{path} holds no OSS-Net; use `napari-seamless segment` for networks of patches.")
    return load(path, setting)


def _settings(options: Mapping[str, Any]) -> OccupancySettings:
    stages = options["stages"]
    return OccupancySettings(
        stages=stages if isinstance(stages, tuple) else (stages,),
        threshold=options["threshold"],
        low_resolution_threshold=options["low_resolution_threshold"],
        large_patch_pooling=options["pooling"],
        normalization=options["normalization"],
        memory_budget=options["memory_budget"],
        chunk_size=options["chunk"],
        device=options["device"],
    )


def _mesh(
    request: OccupancyRequest,
    network: OSSNet,
    settings: OccupancySettings,
    written: OccupancySegmentation,
    *,
    quiet: bool,
) -> tuple[str, ...]:
    options, mesh = request.options, request.mesh
    refine = occupancy_refinement(
        network,
        request.volume,
        settings,
        refinement=Refinement(steps=options["steps"]),
        triangles=options["triangles"],
        axes=options["axes"],
    )
    made = with_steps(
        occupancy_meshes,
        written.volume,
        refine,
        least_voxels=options["min_voxels"],
        physical=options["physical"],
        reporter=StepsReporter("Making the mesh", quiet=quiet),
    )
    return write_occupancy_mesh(made, str(mesh), tensors=options["tensors"], overwrite=options["overwrite"])
