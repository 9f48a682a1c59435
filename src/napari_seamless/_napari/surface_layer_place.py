"""Where surfaces lie in a viewer, and which voxels of a volume the viewer looks at."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_seamless._napari.in_sight import box_in_sight, to_voxels
from napari_seamless.types import NON_SPATIAL_AXES, Box, Volume

Array = np.ndarray[Any, Any]


def placement(layer: Any, volume: Volume) -> Array | None:
    """Return the matrix that takes positions in a volume to where its layer draws them.

    Parameters
    ----------
    layer : napari.layers.Layer
        Shows the volume.
    volume : Volume
        Its spacing and translation are in the positions already.

    Returns
    -------
    numpy.ndarray or None
        (4, 4); None where the layer has neither rotation nor shear nor an affine transform.
    """
    if layer.ndim < len(volume.spatial_axes):
        return None
    axes = [layer.ndim - len(volume.axes) + i for i, name in enumerate(volume.axes) if name not in NON_SPATIAL_AXES]
    steps = np.zeros((4, layer.ndim))
    steps[np.arange(1, 4), axes] = 1
    drawn = np.array([layer.data_to_world(step) for step in steps])[:, axes]
    voxels = _matrix(drawn)
    here = _matrix(np.vstack([volume.translation, np.diag(volume.spacing) + np.array(volume.translation)]))
    matrix = voxels @ np.linalg.inv(here)
    return None if np.allclose(matrix, np.eye(4), atol=1e-6 * max(1.0, float(np.abs(here).max()))) else matrix


def look_at(viewer: Any, layer: Any, point: Sequence[float]) -> None:
    """Move slider and camera to a point of a layer's data; the zoom stays."""
    world = _to_world(viewer, layer, point)
    if world is None:
        return
    n = viewer.dims.ndim
    viewer.dims.set_point(range(n - len(world), n), world)
    camera = viewer.scene.camera
    shown = [world[axis - n] for axis in viewer.dims.displayed if axis - n >= -len(world)]
    camera.center = (*tuple(camera.center)[: 3 - len(shown)], *shown)


def voxels_in_sight(viewer: Any, layer: Any, volume: Volume) -> tuple[Box, tuple[int, ...]] | None:
    """Return what of a volume the canvas shows, and its middle, in voxels of the finest level.

    The axis across a slice counts as a whole. None where nothing of the volume is in sight.
    """
    whole = Box((0,) * len(volume.spatial_shape), volume.spatial_shape)
    if viewer.dims.ndisplay == 2:
        box = box_in_sight(viewer, layer, volume)
        if box is None:
            return None
        middle = tuple((a + b) // 2 for a, b in zip(box.start, box.stop, strict=True))
        thin = [b - a == 1 for a, b in zip(box.start, box.stop, strict=True)]
        start = tuple(0 if flat else a for flat, a in zip(thin, box.start, strict=True))
        stop = tuple(n if flat else b for flat, b, n in zip(thin, box.stop, whole.stop, strict=True))
        return Box(start, stop), middle
    return _around_camera(viewer, layer, volume, whole)


def _around_camera(viewer: Any, layer: Any, volume: Volume, whole: Box) -> tuple[Box, tuple[int, ...]] | None:
    """Return the cube around the centre of the camera that just fits into the canvas."""
    camera = viewer.scene.camera
    centre, reach = np.array(camera.center[-3:], float), max(viewer.canvas.size) / (2 * camera.zoom)
    corners = [
        to_voxels(viewer, layer, _full(viewer, centre + s)) for s in itertools.product((-reach, reach), repeat=3)
    ]
    spatial = [i for i, axis in enumerate(volume.axes) if axis not in NON_SPATIAL_AXES]
    if viewer.dims.ndim < 3 or any(corner is None for corner in corners):
        return None
    voxels = np.array(corners)[:, spatial]
    start, stop = np.floor(voxels.min(axis=0)).astype(int), np.ceil(voxels.max(axis=0)).astype(int)
    box = Box(tuple(start.tolist()), tuple(stop.tolist())).intersect(whole)
    middle = np.clip(voxels.mean(axis=0).round().astype(int), 0, np.array(whole.stop) - 1)
    return (box, tuple(middle.tolist())) if box.size else None


def _full(viewer: Any, point: Array) -> list[float]:
    """Return a point of the displayed axes with the sliders' places along the others."""
    full = np.array(viewer.dims.point, float)
    full[list(viewer.dims.displayed)] = point[-len(viewer.dims.displayed) :]
    return [float(value) for value in full]


def _to_world(viewer: Any, layer: Any, point: Sequence[float]) -> list[float] | None:
    """Return the point of the viewer's world where a layer draws a point of its data."""
    n = layer.ndim
    found = [to_voxels(viewer, layer, step) for step in (*np.zeros((1, n)), *np.eye(n))]
    if any(voxels is None for voxels in found):
        return None
    matrix = _matrix(np.array(found))
    world: list[float] = np.linalg.solve(matrix, [*point, 1.0])[:-1].tolist()
    return world


def _matrix(images: Array) -> Array:
    """Return the matrix of an affine map from the images of the origin and of a step along each axis."""
    n = images.shape[1]
    matrix = np.eye(n + 1)
    matrix[:n, :n], matrix[:n, n] = (images[1:] - images[0]).T, images[0]
    return matrix
