"""From the faces of one label to one surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_seamless.mesh.grid import Grid

Array = np.ndarray[Any, Any]

_BEND = 0.2
"""Part of the strongest direction of the planes at a vertex from which on another one is an edge and no noise."""
_BULGE = 0.5
"""A vertex on a smooth surface lies between the mean of its crossings, inside, and its tangent planes, outside."""
_EXTRA = 8


def weld(keys: Array, crossings: Array | None, grid: Grid, spacing: Array, translation: Array) -> tuple[Array, Array]:
    """Join faces at their corners.

    The order of vertices and triangles follows from the places of the faces alone.

    Parameters
    ----------
    keys : numpy.ndarray
        (face,) int64 in any order: see `Faces`.
    crossings : numpy.ndarray or None
        (face, 6) float32 for a field; None for labels, whose vertices lie at the corners of voxels.
    grid : Grid
        The whole volume.
    spacing, translation : numpy.ndarray
        (3,) float64 voxel size and position of the first voxel's centre.

    Returns
    -------
    vertices : numpy.ndarray
        (vertex, 3) float64.
    triangles : numpy.ndarray
        (triangle, 3) int32: see `Surface`.
    """
    from napari_seamless.mesh import weld_kernels as kernels

    if crossings is None:
        keys = np.sort(keys)
    else:
        order = np.argsort(keys)
        keys, crossings = keys[order], crossings[order]
    names, polygons = _named(keys, grid.strides)
    vertices = np.empty((len(names), 3))
    kernels.centres(names, grid.strides, spacing, translation, vertices)
    if crossings is not None:
        vertices += _placed(keys, crossings, names, polygons, spacing)
    elif np.any(names & 15):
        several = (names & 15) > 0
        halves = np.full((1, 1), 0.5, np.float32)
        vertices[several] += _means(keys, halves, polygons, spacing, len(names))[several]
    extra = int(np.count_nonzero(polygons[:, 1::2] >= 0))
    triangles = np.empty((2 * len(keys) + extra, 3), np.int32)
    kernels.triangulate(keys, polygons, vertices if crossings is not None else vertices[:0], triangles)
    return vertices, triangles


def _named(keys: Array, strides: Array) -> tuple[Array, Array]:
    """Return the name of each vertex, and the vertices of each face."""
    from napari_seamless.mesh import weld_kernels as kernels

    polygons = np.empty((len(keys), 8), np.int32)
    size = 1 << max(6, int(2 * len(keys) - 1).bit_length())
    while True:
        slots, numbers = np.full(size, -1, np.int64), np.empty(size, np.int32)
        names = np.empty(size - size // 8, np.int64)
        found = kernels.name_corners(keys, strides, slots, numbers, names, polygons)
        if found >= 0:
            return names[:found].copy(), polygons
        size *= 2


def _means(keys: Array, crossings: Array, polygons: Array, spacing: Array, n: int) -> Array:
    """Return the mean of the crossings around each vertex, relative to the centre of its cube."""
    from napari_seamless.mesh import weld_kernels as kernels

    sums, counts = np.zeros((n, 3)), np.zeros(n, np.int32)
    kernels.add_crossings(keys, crossings[:, 0], spacing, polygons, sums, counts)
    return sums / counts[:, None]


def _placed(keys: Array, crossings: Array, names: Array, polygons: Array, spacing: Array) -> Array:
    """Return where the planes through the crossings of each vertex meet, relative to the centre of its cube."""
    from napari_seamless.mesh import field_kernels as kernels

    n = len(names)
    means = _means(keys, crossings, polygons, spacing, n)
    squares, sides = np.zeros((n, 3, 3)), np.zeros((n, 3))
    kernels.add_planes(keys, crossings, spacing, polygons, means, squares, sides)
    strengths, directions = np.linalg.eigh(squares)
    bent = strengths > _BEND * strengths[:, -1:]
    along = np.einsum("vij,vi->vj", directions, sides) * bent / np.where(bent, strengths, 1.0)
    offsets = np.einsum("vij,vj->vi", directions, along)
    offsets[~bent[:, 1]] *= _BULGE
    offsets[(names & 15) >= _EXTRA] = 0.0
    placed: Array = np.clip(means + offsets, -spacing / 2, spacing / 2)
    return placed
