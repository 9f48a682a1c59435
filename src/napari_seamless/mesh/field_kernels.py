"""Where a field crosses its level, and how steeply: what places the vertices of its faces."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled

Array = np.ndarray[Any, Any]

_STEEPER = 1.25
"""Times that a field must be steeper beside a crossing than across it to have an edge between."""


@compiled
def find_crossings(  # noqa: PLR0913, PLR0917  a loop that a compiler sees through
    block: Array, level: float, keys: Array, margin: int, origin: int, strides: Array, crossings: Array
) -> None:
    """Measure the field at faces.

    Parameters
    ----------
    block : numpy.ndarray
        (z, y, x) float32; NaN beyond the volume.
    level : float
        What the field crosses.
    keys : numpy.ndarray
        (face,) int64: see `face_kernels`.
    margin, origin : int
        Voxels more on each side; raster index, in the volume with one voxel more on each side, of the first voxel
        within them.
    strides : numpy.ndarray
        (3,) int64 steps of the raster index per axis.
    crossings : numpy.ndarray
        (face, 6) float32; written: part of the way from the first voxel of the pair to the second; difference between
        them; along each other axis, what the field changes from the voxel before, and to the voxel after.
    """
    steps = (block.shape[1] * block.shape[2], block.shape[2], 1)
    flat = block.reshape(-1)
    for face in range(len(keys)):
        key = keys[face]
        axis = (key >> 17) & 3
        place = (key >> 19) - origin
        z = place // strides[0]
        y = (place - z * strides[0]) // strides[1]
        x = place - z * strides[0] - y * strides[1]
        at = (z + margin) * steps[0] + (y + margin) * steps[1] + x + margin
        near = at + steps[axis]
        here, there = flat[at], flat[near]
        if not (np.isfinite(here) and np.isfinite(there)):
            # The volume ends here: half a voxel beyond its last centre, and flat.
            crossings[face, 0] = 0.5
            crossings[face, 1] = -1.0 if (key >> 16) & 1 == 0 else 1.0
            crossings[face, 2:] = 0.0
            continue
        slope, t, share = _slope(flat[at - steps[axis]], here, there, flat[near + steps[axis]], level)
        crossings[face, 0] = t
        crossings[face, 1] = slope
        for k in range(2):
            step = steps[(axis + 1 + k) % 3]
            before = (1 - share) * (here - flat[at - step]) + share * (there - flat[near - step])
            after = (1 - share) * (flat[at + step] - here) + share * (flat[near + step] - there)
            crossings[face, 2 + 2 * k] = before if np.isfinite(before) else 0.0
            crossings[face, 3 + 2 * k] = after if np.isfinite(after) else 0.0


@compiled
def _slope(before: float, here: float, there: float, after: float, level: float) -> tuple[float, float, float]:
    """Return the slope at a crossing between two voxels, its place, and how far the second voxel tells of it.

    Between the voxels the field is a line. Where an edge of the object lies between them it is two, and the steeper
    one, which goes on beyond them, is the one that crosses.
    """
    slope = there - here
    t = (level - here) / slope
    share = t
    steepest = _STEEPER * abs(slope)
    if np.isfinite(before) and abs(here - before) > steepest and (here - before) * slope > 0:
        steepest = abs(here - before)
        slope = here - before
        t, share = (level - here) / slope, 0.0
    if np.isfinite(after) and abs(after - there) > steepest and (after - there) * slope > 0:
        slope = after - there
        t, share = 1 + (level - there) / slope, 1.0
    return slope, min(max(t, 1e-3), 1 - 1e-3), share


@compiled
def add_planes(  # noqa: PLR0913, PLR0917  a loop that a compiler sees through
    keys: Array, crossings: Array, spacing: Array, polygons: Array, means: Array, squares: Array, sides: Array
) -> None:
    """Add the plane through each crossing to the equations of its vertices.

    At an edge of the object the field bends inside the cube; its slope is therefore taken on the side of the crossing
    that lies away from the cube.

    Parameters
    ----------
    keys, polygons : numpy.ndarray
        See `name_corners`.
    crossings : numpy.ndarray
        See `find_crossings`.
    spacing : numpy.ndarray
        (3,) float64 voxel size.
    means : numpy.ndarray
        (vertex, 3) float64: mean crossing of each vertex, relative to the centre of its cube.
    squares, sides : numpy.ndarray
        (vertex, 3, 3) and (vertex, 3) float64; added to: normal equations of the offset from the mean.
    """
    normal = np.empty(3)
    offset = np.empty(3)
    for face in range(len(keys)):
        axis = (keys[face] >> 17) & 3
        one, other = (axis + 1) % 3, (axis + 2) % 3
        for i in range(4):
            vertex = polygons[face, 2 * i]
            s_one = 1 if i % 3 == 0 else 0
            s_other = 1 if i < 2 else 0
            normal[axis] = crossings[face, 1] / spacing[axis]
            normal[one] = crossings[face, 2 + s_one] / spacing[one]
            normal[other] = crossings[face, 4 + s_other] / spacing[other]
            length = np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2)
            offset[axis] = (crossings[face, 0] - 0.5) * spacing[axis] - means[vertex, axis]
            offset[one] = (s_one - 0.5) * spacing[one] - means[vertex, one]
            offset[other] = (s_other - 0.5) * spacing[other] - means[vertex, other]
            along = 0.0
            for k in range(3):
                normal[k] /= length
                along += normal[k] * offset[k]
            for k in range(3):
                sides[vertex, k] += normal[k] * along
                for m in range(3):
                    squares[vertex, k, m] += normal[k] * normal[m]
