"""What the viewer shows, in voxels of a volume."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_seamless.types import NON_SPATIAL_AXES, Box, Volume


def box_in_sight(viewer: Any, layer: Any, volume: Volume) -> Box | None:
    """Return the voxels of a volume on the visible slice, in the visible part of the canvas.

    Parameters
    ----------
    viewer : napari.Viewer
        Slice, camera and canvas are read; nothing is changed.
    layer : napari.layers.Layer
        The layer of the viewer that shows the volume; its whole transform counts, rotation and units too.
    volume : Volume
        Its axes are those of the layer, but for the colours of an RGB image, which a layer does not count.

    Returns
    -------
    Box or None
        In voxels of the finest level. None in 3D, where everything is in sight, and where no voxel is.
    """
    # A viewer handed to a plugin wraps its layers: only their hashes are the same.
    if viewer.dims.ndisplay != 2 or hash(layer) not in map(hash, viewer.layers):
        return None
    low, high = _world_bounds(viewer)
    if not np.isfinite([low, high]).all():
        return None
    corners = [to_voxels(viewer, layer, corner) for corner in itertools.product(*zip(low, high, strict=True))]
    voxels = np.array([corner for corner in corners if corner is not None])
    if not len(voxels):
        return None
    spatial = [i for i, axis in enumerate(volume.axes) if axis not in NON_SPATIAL_AXES]
    # A voxel reaches half a voxel to both sides of its centre.
    start, stop = np.floor(voxels.min(axis=0) + 0.5), np.floor(voxels.max(axis=0) + 0.5) + 1
    box = Box(tuple(int(start[i]) for i in spatial), tuple(int(stop[i]) for i in spatial))
    box = box.intersect(Box((0,) * len(spatial), volume.spatial_shape))
    return box if box.size else None


def to_voxels(viewer: Any, layer: Any, point: Sequence[float]) -> np.ndarray | None:
    """Return a point of the viewer's world in voxels of a layer; None where their units do not compare."""
    factors = _units_factors(viewer, layer)
    return None if factors is None else np.asarray(layer.world_to_data(np.asarray(point)[-layer.ndim :] * factors))


def _world_bounds(viewer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest world coordinate in sight along each axis of the viewer."""
    dims, camera = viewer.dims, viewer.scene.camera
    point, margin = np.asarray(dims.point, dtype=float), np.asarray(dims.thickness, dtype=float) / 2
    low, high = point - margin, point + margin
    displayed = list(dims.displayed)
    if viewer.canvas.grid.enabled:
        # Each cell of a grid has a camera of its own: the whole slice counts.
        low[displayed], high[displayed] = (np.array([dims.range[i][end] for i in displayed]) for end in (0, 1))
        return low, high
    centre = np.asarray(camera.center[-2:], dtype=float)
    reach = np.asarray(viewer.canvas.size, dtype=float) / (2 * camera.zoom)
    low[displayed], high[displayed] = centre - reach, centre + reach
    return low, high


def _units_factors(viewer: Any, layer: Any) -> np.ndarray | None:
    """Return what turns lengths of the viewer's axes into the layer's units; None where they do not compare."""
    shown = tuple(viewer.dims.units or layer.units)[-layer.ndim :]
    if shown == tuple(layer.units):
        return np.ones(layer.ndim)
    if any(a.dimensionality != b.dimensionality for a, b in zip(shown, layer.units, strict=True)):
        return None
    return np.array([(1 * a).to(b).magnitude for a, b in zip(shown, layer.units, strict=True)])
