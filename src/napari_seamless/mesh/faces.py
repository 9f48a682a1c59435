"""The faces of labels, or of what exceeds a level, in one block of a volume."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.mesh.sheets import sheet_table

if TYPE_CHECKING:
    from napari_seamless.mesh.grid import Grid

Array = np.ndarray[Any, Any]

MARGIN = 2
"""Voxels around a block that its faces depend on."""

_FEW_LABELS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces grouped by label.

    Parameters
    ----------
    labels : numpy.ndarray
        (label,) unsigned integers.
    starts : numpy.ndarray
        (label + 1,) int64: where the faces of each label begin and end.
    keys : numpy.ndarray
        (face,) int64: what and where a face is, whatever block it was found in.
    crossings : numpy.ndarray or None
        (face, 6) float32 for a field: where and how steeply it crosses the level.
    """

    labels: Array
    starts: Array
    keys: Array
    crossings: Array | None = None


def label_faces(block: Array, grid: Grid, start: tuple[int, ...], margin: int = MARGIN) -> Faces:
    """Find the faces of all labels but 0.

    Parameters
    ----------
    block : numpy.ndarray
        (z, y, x) unsigned integers, contiguous, with `margin` voxels more on each side; 0 beyond the volume.
    grid : Grid
        The whole volume.
    start : tuple of int
        First voxel of the block without its margin.
    margin : int
        Voxels more on each side, at least 1.

    Returns
    -------
    Faces
        Between each voxel of the block and the next one along every axis.

    Examples
    --------
    >>> from napari_seamless.mesh import Grid
    >>> block = np.zeros((4, 4, 4), np.uint8)
    >>> block[2, 2, 2] = 7
    >>> label_faces(block, Grid((2, 2, 2)), (0, 0, 0), margin=1).starts
    array([0, 6])
    """
    from napari_seamless.mesh import face_kernels as kernels

    n = kernels.count_faces(block, margin)
    labels, keys, grouped = np.empty(n, block.dtype), np.empty(n, np.int64), np.empty(n, np.int64)
    if n == 0:
        return Faces(labels, np.zeros(1, np.int64), keys)
    origin = grid.index(tuple(i - margin for i in start))
    kernels.find_faces(block, margin, origin, grid.strides, _corner_table(), labels, keys)
    room = _FEW_LABELS
    while True:
        known, starts = np.empty(room, block.dtype), np.zeros(room + 1, np.int64)
        found = kernels.sort_by_label(labels, keys, known, starts, grouped)
        if found >= 0:
            return Faces(known[:found].copy(), starts[: found + 1].copy(), grouped)
        room *= 8


def field_faces(block: Array, level: float, grid: Grid, start: tuple[int, ...], label: int = 1) -> Faces:
    """Find the faces around what exceeds a level, and where the field crosses it.

    Parameters
    ----------
    block : numpy.ndarray
        (z, y, x) float32, contiguous, with `MARGIN` voxels more on each side; NaN beyond the volume.
    level : float
        The level; voxels above it are inside, NaN is outside.
    grid : Grid
        The whole volume.
    start : tuple of int
        First voxel of the block without its margin.
    label : int
        What the faces are called.

    Returns
    -------
    Faces
        See `label_faces`.
    """
    from napari_seamless.mesh import field_kernels as kernels

    faces = label_faces((block > level).astype(np.uint8), grid, start)
    crossings = np.empty((len(faces.keys), 6), np.float32)
    kernels.find_crossings(
        block, float(np.float32(level)), faces.keys, MARGIN, grid.index(start), grid.strides, crossings
    )
    return Faces(np.full(len(faces.labels), label, np.uint32), faces.starts, faces.keys, crossings)


@cache
def _corner_table() -> Array:
    from napari_seamless.mesh import face_kernels as kernels

    corners = np.zeros((3, 2**18), np.uint16)
    kernels.fill_corners(sheet_table(), corners)
    return corners
