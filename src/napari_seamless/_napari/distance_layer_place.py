"""The voxel of a layer that the cursor points at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_seamless._napari.in_sight import to_voxels

MOST_IN_3D = 2**26
"""Voxels of the level that is searched along a ray; a pyramid has a level below it."""

Point = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Sight:
    """Where the cursor was when it moved last.

    Parameters
    ----------
    position, direction : numpy.ndarray or None
        A point of the viewer's world, and in 3D the unit vector of the line of sight.
    displayed : tuple of int
        Axes of the viewer that are shown.
    """

    position: Any
    direction: Any
    displayed: tuple[int, ...]

    def point(self, viewer: Any) -> Point:
        """Return where the cursor is in the slice that is shown now."""
        point = np.array(viewer.dims.point, dtype=float)
        position = np.asarray(self.position, dtype=float)[-len(point) :]
        displayed = list(viewer.dims.displayed)
        if len(position) == len(point):
            point[displayed] = position[displayed]
        return point

    def ray(self, viewer: Any, layer: Any) -> Ray:
        """Return the line of sight through a labels layer in 3D."""
        skipped = viewer.dims.ndim - layer.ndim
        displayed = [axis - skipped for axis in viewer.dims.displayed]
        ends: tuple[Any, Any] = (None, None)
        if self.direction is not None and len(self.displayed) == len(displayed) == 3 and min(displayed) >= 0:
            ends = layer.get_ray_intersections(self.position, self.direction, displayed, world=True)
        levels = tuple(layer.data) if layer.multiscale else (layer.data,)
        return Ray(ends[0], ends[1], levels)


@dataclass(frozen=True, slots=True, eq=False)
class Ray:
    """A line through labels, in their voxels.

    Parameters
    ----------
    start, stop : numpy.ndarray or None
        Where it enters and leaves the volume; None where it misses it.
    levels : tuple
        The labels, finest first; the coarsest one is searched.
    """

    start: Any
    stop: Any
    levels: tuple[Any, ...]

    def first_label(self) -> Point | None:
        """Return the first labelled voxel along the line; reads, so call it off the main thread."""
        level = self.levels[-1]
        if self.start is None or self.stop is None or np.prod(level.shape, dtype=np.int64) > MOST_IN_3D:
            return None
        step = np.array(self.levels[0].shape, float) / np.array(level.shape, float)
        way = np.asarray(self.stop, float) - self.start
        along = self.start + np.linspace(0, 1, 2 + 2 * int(np.ceil(np.abs(way / step).max())))[:, None] * way
        index = np.clip(np.floor((along + 0.5) / step).astype(int), 0, np.array(level.shape) - 1)
        met = np.flatnonzero(np.asarray(level)[tuple(index.T)])
        return along[met[0]] if met.size else None


def voxel_at(viewer: Any, layer: Any, point: Point) -> tuple[int, ...] | None:
    """Return the voxel of a layer's finest level at a point of the world; None outside it."""
    voxel = to_voxels(viewer, layer, point.tolist())
    if voxel is None:
        return None
    shape = (layer.data[0] if layer.multiscale else layer.data).shape
    index = tuple(int(v) for v in np.floor(voxel + 0.5))
    return index if all(0 <= i < n for i, n in zip(index, shape, strict=True)) else None
