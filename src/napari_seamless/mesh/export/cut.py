"""Cut triangles at the planes of a grid, so that each part lies on one side of every plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_seamless.mesh.export.lattice import Lattice

Array = np.ndarray[Any, Any]


def cut(vertices: Array, triangles: Array, lattice: Lattice) -> tuple[Array, Array]:
    """Cut at all planes, the coarsest of a binary tree first: each triangle, and each edge, meets one plane at a time.

    Two triangles therefore cut their common edge at the same planes in the same order, and share the new vertices.

    Parameters
    ----------
    vertices : numpy.ndarray
        (vertex, 3) int64 steps, none below 0.
    triangles : numpy.ndarray
        (triangle, 3) int64.
    lattice : Lattice
        The planes.

    Returns
    -------
    vertices : numpy.ndarray
        The same, followed by those on planes, rounded to steps.
    triangles : numpy.ndarray
        Parts that cross no plane, wound as before.
    """
    for axis in range(3):
        last = int(lattice.slab(vertices[:, axis].max(initial=0)[None])[0])
        for level in reversed(range(last.bit_length())):
            vertices, triangles = _cut_once(vertices, triangles, lattice, (axis, level))
    return vertices, triangles


def least(corners: Array) -> Array:
    """Return the least of three corners (triangle, 3, ...), several times faster than reducing an axis of 3."""
    return np.minimum(np.minimum(corners[:, 0], corners[:, 1]), corners[:, 2])


def greatest(corners: Array) -> Array:
    """Return the greatest of three corners (triangle, 3, ...)."""
    return np.maximum(np.maximum(corners[:, 0], corners[:, 1]), corners[:, 2])


def _cut_once(vertices: Array, triangles: Array, lattice: Lattice, which: tuple[int, int]) -> tuple[Array, Array]:
    """Cut at every second plane of one level of the tree: those whose number is an odd multiple of ``2**level``."""
    axis, level = which
    steps = vertices[:, axis][triangles]
    low, high = least(steps), greatest(steps)
    number = ((lattice.slab(low) >> (level + 1)) * 2 + 1) << level
    plane = lattice.plane(number)
    crossing = (low < plane) & (high > plane)
    if not crossing.any():
        return vertices, triangles
    side = np.sign(steps[crossing] - plane[crossing, None])
    touching = (side == 0).any(axis=1)
    found, plane = triangles[crossing], plane[crossing]
    new = _NewVertices(vertices, axis)
    halves = _two_parts(found[touching], side[touching], plane[touching], new)
    thirds = _three_parts(found[~touching], side[~touching], plane[~touching], new)
    added, numbers = new.finish()
    parts = [numbers[part] if len(part) else part for part in (halves, thirds)]
    return np.concatenate([vertices, added]), np.concatenate([triangles[~crossing], *parts])


class _NewVertices:
    """Vertices where edges meet planes, one for each edge; they have provisional numbers until all are known."""

    def __init__(self, vertices: Array, axis: int) -> None:
        self._vertices, self._axis = vertices, axis
        self._edges: list[Array] = []
        self._planes: list[Array] = []
        self._n = len(vertices)

    def on(self, a: Array, b: Array, plane: Array) -> Array:
        """Return provisional numbers of vertices on edges a to b, which lie on different sides of their plane."""
        below = self._vertices[a, self._axis] < plane
        self._edges.append(np.stack([np.where(below, a, b), np.where(below, b, a)], axis=1))
        self._planes.append(plane)
        numbers = np.arange(self._n, self._n + len(a))
        self._n += len(a)
        return numbers

    def finish(self) -> tuple[Array, Array]:
        """Return the new vertices, and the number of every old and provisional one."""
        edges, planes = np.concatenate(self._edges), np.concatenate(self._planes)
        old = len(self._vertices)
        _, first, inverse = np.unique(edges[:, 0] * old + edges[:, 1], return_index=True, return_inverse=True)
        numbers = np.concatenate([np.arange(old), old + inverse])
        low, high, plane = self._vertices[edges[first, 0]], self._vertices[edges[first, 1]], planes[first]
        share = (plane - low[:, self._axis]) / (high[:, self._axis] - low[:, self._axis])
        added = np.rint(low + share[:, None] * (high - low)).astype(np.int64)
        added[:, self._axis] = plane
        return added, numbers


def _two_parts(triangles: Array, side: Array, plane: Array, new: _NewVertices) -> Array:
    """Cut triangles that have one corner on the plane."""
    o, a, b = _turned(triangles, np.argmax(side == 0, axis=1))
    n = new.on(a, b, plane)
    return np.concatenate([np.stack([o, a, n], axis=1), np.stack([o, n, b], axis=1)])


def _three_parts(triangles: Array, side: Array, plane: Array, new: _NewVertices) -> Array:
    """Cut triangles that have one corner alone on its side."""
    a, b, c = _turned(triangles, np.argmax(side == -side.sum(axis=1, keepdims=True), axis=1))
    p, q = new.on(a, b, plane), new.on(a, c, plane)
    return np.concatenate([np.stack(corners, axis=1) for corners in ((a, p, q), (p, b, c), (p, c, q))])


def _turned(triangles: Array, first: Array) -> tuple[Array, Array, Array]:
    """Return the three corners, beginning with the given one, in the order of the winding."""
    row = np.arange(len(triangles))
    a, b, c = (triangles[row, (first + i) % 3] for i in range(3))
    return a, b, c
