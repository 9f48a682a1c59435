"""The vertices of a surface moved to where a network's occupancy has its level."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.engine.device import choose_devices
from napari_seamless.engine.occupancy.field import OccupancyField
from napari_seamless.engine.occupancy.segment import NetworkSource, as_network
from napari_seamless.engine.occupancy.settings import OccupancySettings
from napari_seamless.engine.occupancy.source import NormalizedVolume, open_source
from napari_seamless.mesh import simplify
from napari_seamless.mesh.finish.refinement import OnStep, Refinement, refine_by_occupancy

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from napari_seamless.types import Surface

PUBLISHED_TRIANGLES = 10_000


def occupancy_refinement(  # noqa: PLR0913  each is an optional choice, by name
    network: NetworkSource,
    volume: Any,
    settings: OccupancySettings | None = None,
    *,
    refinement: Refinement | None = None,
    triangles: int | None = PUBLISHED_TRIANGLES,
    axes: str | None = None,
    on_step: OnStep | None = None,
) -> Callable[[Surface], Surface]:
    """Make the finisher of surfaces that a network segmented: fewer triangles, then vertices moved to its level.

    Lengths are measured in voxels, as the network's coordinates are, so that a step means the same whatever the
    spacing. Published are 10,000 triangles, 200 steps of 1e-3, and a weight of 0.01 for normals.

    Parameters
    ----------
    network, volume, axes
        As in `segment_occupancy`; the volume is encoded by this call.
    settings : OccupancySettings, optional
        Its threshold is the level of the surface.
    refinement : Refinement, optional
        Steps and weights; its level is not used.
    triangles : int or None
        Triangles that a surface keeps before its vertices are moved; None for all.
    on_step : callable, optional
        Called with the number of the step, from 1, and its loss.

    Returns
    -------
    callable
        Takes a `Surface` in the units of the volume and returns another: for `make_meshes` and `write_meshes`.

    Raises
    ------
    SeamlessError
        The volume does not fit the network.

    Examples
    --------
    >>> from napari_seamless.models.oss_net import OSSNet
    >>> network = OSSNet.from_settings("oss_net_C1_lits", width=8, encoder_channels=(4, 4), latent_grid=(2, 2, 2))
    >>> refine = occupancy_refinement(network, np.zeros((16, 16, 16)), OccupancySettings(device="cpu"))
    """
    settings = settings or OccupancySettings()
    found = as_network(network)
    opened = open_source(volume, found.settings, axes, settings.budget_bytes // 4)
    found = found.to(choose_devices(settings.device)[0])
    source = NormalizedVolume(opened, settings.normalization)
    field = OccupancyField(found, source, settings, lambda *_: None)
    chosen = dataclasses.replace(refinement or Refinement(), level=settings.threshold, scale=1.0)
    spacing, first = np.asarray(opened.spacing), np.asarray(opened.translation)
    lock = threading.Lock()

    def occupancy(points: torch.Tensor) -> torch.Tensor:
        return field.occupancy(points)

    def refine(surface: Surface) -> Surface:
        if triangles is not None and len(surface.triangles) > triangles:
            surface = simplify(surface, triangles=triangles)
        in_voxels = dataclasses.replace(surface, vertices=(surface.vertices - first) / spacing)
        with lock:
            moved = refine_by_occupancy(in_voxels, occupancy, chosen, device=str(found.device), on_step=on_step)
        return dataclasses.replace(surface, vertices=moved.vertices * spacing + first)

    return refine
