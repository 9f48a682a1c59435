"""Cells of every level of detail, and the triangles in each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.mesh.export.cut import cut, greatest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.mesh.export.lattice import Lattice

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Triangles of one level of detail, sorted by the cell they lie in.

    Parameters
    ----------
    keys : numpy.ndarray
        (cell,) int64: place of each cell along the Z curve.
    starts : numpy.ndarray
        (cell + 1,) first triangle of each cell, and how many there are.
    corners : numpy.ndarray
        (triangle, 3, 3) int32: corners in steps from the corner of their cell, along x, y, z.
    occupied : numpy.ndarray
        Places along the Z curve of the next finer level that hold a triangle.
    """

    keys: Array
    starts: Array
    corners: Array
    occupied: Array = field(default_factory=lambda: np.empty(0, np.int64))

    def fragment(self, key: int) -> tuple[Array, Array]:
        """Return vertices (vertex, 3) int32 and triangles (triangle, 3) of a cell, both empty if it holds none."""
        at = int(np.searchsorted(self.keys, key))
        if at == len(self.keys) or self.keys[at] != key:
            return np.empty((0, 3), np.int32), np.empty((0, 3), np.uint32)
        corners = self.corners[self.starts[at] : self.starts[at + 1]].astype(np.int64)
        packed = corners[..., 0] | corners[..., 1] << 20 | corners[..., 2] << 40
        found, numbers = np.unique(packed, return_inverse=True)
        vertices = np.stack([found >> shift & 0xFFFFF for shift in (0, 20, 40)], axis=1)
        return vertices.astype(np.int32), numbers.reshape(-1, 3).astype(np.uint32)


def make_cells(positions: Array, triangles: Array, lattice: Lattice) -> Cells:
    """Round a surface to the steps of a lattice, cut it at the planes and sort what is left by cell.

    Triangles of which two corners fall on one step have no area and are left out: their other sides meet.
    """
    vertices, triangles = cut(lattice.quantise(positions), triangles.astype(np.int64), lattice)
    corners = vertices[triangles]
    corners = corners[~_degenerate(corners)]
    cell = np.maximum(-(-greatest(corners) // lattice.steps) - 1, 0)
    key = interleave(cell)
    order = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[order], return_index=True)
    within = corners - cell[:, None] * lattice.steps
    occupied = np.unique(interleave(2 * cell + (greatest(within) > lattice.middle)))
    return Cells(
        keys=keys, starts=np.append(starts, len(order)), corners=within[order].astype(np.int32), occupied=occupied
    )


def nodes(levels: Sequence[Cells]) -> list[Array]:
    """Return the cells that each level lists, along the Z curve: besides those with triangles some that hold none.

    A cell needs all those around it at coarser levels, or it would never be found. A part of a coarse cell is replaced
    by the finer cell in its place, and where the finer surface has nothing there, that is a cell without triangles.
    """
    found = [level.keys for level in levels]
    for k in range(1, len(levels)):
        found[k] = np.union1d(found[k], found[k - 1] >> 3)
    for k in range(len(levels) - 1, 0, -1):
        found[k - 1] = np.union1d(found[k - 1], levels[k].occupied)
    return found


def interleave(cell: Array) -> Array:
    """Return the place of cells (cell, 3) along the Z curve, x changing fastest.

    Examples
    --------
    >>> interleave(np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0)])).tolist()
    [1, 2, 4, 8]
    """
    key = np.zeros(len(cell), np.int64)
    for axis in range(3):
        key |= _spread(cell[:, axis]) << axis
    return key


def separate(key: Array) -> Array:
    """Return (cell, 3) int64, the cells at places along the Z curve.

    Examples
    --------
    >>> separate(np.array([1, 2, 4, 8])).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0]]
    """
    cell = np.zeros((len(key), 3), np.int64)
    for i in range(21):
        cell |= (key[:, None] >> (3 * i + np.arange(3)) & 1) << i
    return cell


def _degenerate(corners: Array) -> Array:
    """Tell which triangles (triangle, 3, 3) have two corners in one place."""
    found = np.zeros(len(corners), bool)
    for i in range(3):
        same = corners[:, i] == corners[:, (i + 1) % 3]
        found |= same[:, 0] & same[:, 1] & same[:, 2]
    return found


def _spread(number: Array) -> Array:
    """Move bit i of numbers below 2^21 to bit 3 i."""
    spread = np.zeros(len(number), np.int64)
    for i in range(int(number.max(initial=0)).bit_length()):
        spread |= (number >> i & 1) << 3 * i
    return spread
