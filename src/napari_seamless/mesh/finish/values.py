"""What a volume holds at the vertices of a surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError
from napari_seamless.types import Box

if TYPE_CHECKING:
    from napari_seamless.types import Surface

Array = np.ndarray[Any, Any]
Read = Callable[[Box], Array]

VOXELS = 2**24
"""Voxels that are read at once, at most."""


def sample_values(surface: Surface, block: Array, spacing: Sequence[float], translation: Sequence[float]) -> Array:
    """Interpolate a block at the vertices of a surface, linearly along each axis.

    Parameters
    ----------
    surface : Surface
        Any.
    block : numpy.ndarray
        (z, y, x), of any type that casts to float32.
    spacing : sequence of float
        Size of a voxel along z, y, x in the units of the surface.
    translation : sequence of float
        Where the centre of the first voxel of the block lies.

    Returns
    -------
    numpy.ndarray
        (vertex,) float32. Beyond the centres of the outermost voxels their values go on.

    Examples
    --------
    >>> from napari_seamless.types import Surface
    >>> dots = Surface(vertices=np.array([[0, 0, 0.5], [0, 0, 9]], float), triangles=np.zeros((0, 3), np.int32))
    >>> sample_values(dots, np.float32([[[1, 3]]]), (1, 1, 1), (0, 0, 0)).tolist()
    [2.0, 3.0]
    """
    return _interpolate(block, _voxels(surface, spacing, translation))


def read_values(
    surface: Surface, read: Read, shape: Sequence[int], spacing: Sequence[float], translation: Sequence[float]
) -> Array:
    """Interpolate a volume at the vertices of a surface, block by block.

    Blocks that no vertex lies in are not read, and of the others only what the vertices need: at most `VOXELS` at once.

    Parameters
    ----------
    surface : Surface
        Any.
    read : callable
        Takes a `Box` of the volume and returns its voxels, (z, y, x).
    shape : sequence of int
        Of the volume, (z, y, x).
    spacing, translation : sequence of float
        See `sample_values`; the translation is that of the volume's first voxel.

    Returns
    -------
    numpy.ndarray
        (vertex,) float32.

    Raises
    ------
    SettingsError
        If the volume has no voxels, or what is read has another shape than the box.
    """
    if min(shape) < 1:
        raise SettingsError(f"shape is {tuple(shape)}; give the shape of a volume with at least one voxel")
    places = np.clip(_voxels(surface, spacing, translation), 0, np.array(shape) - 1)
    found = np.empty(len(places), np.float32)
    edge = max(int(VOXELS ** (1 / 3)) - 1, 1)
    blocks = (places // edge).astype(np.int64)
    counts = -(-np.array(shape) // edge)
    keys = np.ravel_multi_index(tuple(blocks.T), tuple(counts)) if len(places) else np.zeros(0, np.int64)
    order = np.argsort(keys, kind="stable")
    for chosen in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1) if len(order) else []:
        low = np.floor(places[chosen].min(axis=0)).astype(np.int64)
        high = np.minimum(np.floor(places[chosen].max(axis=0)).astype(np.int64) + 2, shape)
        box = Box(tuple(low.tolist()), tuple(high.tolist()))
        block = np.asarray(read(box))
        if block.shape != tuple(high - low):
            raise SettingsError(f"read returned an array of shape {block.shape} for a box of {tuple(high - low)}")
        found[chosen] = _interpolate(block, places[chosen] - low)
    return found


def _voxels(surface: Surface, spacing: Sequence[float], translation: Sequence[float]) -> Array:
    """Return the places of vertices in voxels."""
    return np.asarray((surface.vertices - np.array(translation, float)) / np.array(spacing, float))


def _interpolate(block: Array, places: Array) -> Array:
    """Interpolate at places in voxels of the block."""
    from scipy.ndimage import map_coordinates

    values = block if block.dtype == np.float64 else block.astype(np.float32, copy=False)
    return np.asarray(map_coordinates(values, places.T, output=np.float32, order=1, mode="nearest"))
