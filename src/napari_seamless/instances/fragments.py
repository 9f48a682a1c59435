"""The pieces of instances that one block holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_seamless.instances.neighbours import neighbour_steps

if TYPE_CHECKING:
    from napari_seamless.types import Box

Array = np.ndarray[Any, Any]

_NEIGHBOURS: dict[int, Literal[6, 18, 26]] = {1: 6, 2: 18, 3: 26}


@dataclass(frozen=True, slots=True, eq=False)
class Fragments:
    """Pieces of a block: each belongs to one instance, and an instance may have several.

    Parameters
    ----------
    labels : numpy.ndarray
        (z, y, x) uint32 of the block: 0 for background, else the number of a piece from 1 on.
    sizes, firsts : numpy.ndarray
        (piece,) int64: voxels, and raster index of the first of them in the block.
    ends : numpy.ndarray
        (piece,) int64: raster index, in the array that was given, of the voxel that a piece of a basin climbs to: its
        maximum, or a voxel outside the block. Empty for components.
    heights : numpy.ndarray
        (piece,) float32: depth at these ends. Empty for components.
    """

    labels: Array
    sizes: Array
    firsts: Array
    ends: Array
    heights: Array

    @classmethod
    def of(cls, labels: Array, count: int, ends: Array, heights: Array) -> Fragments:
        """Measure the pieces of a block."""
        from napari_seamless.instances import kernels

        sizes, firsts = np.zeros(count, np.int64), np.zeros(count, np.int64)
        kernels.measure(labels.reshape(-1), sizes, firsts)
        return cls(labels, sizes, firsts, ends, heights)


def connected(mask: Array, connectivity: int) -> Fragments:
    """Cut the foreground of a block into connected components.

    Parameters
    ----------
    mask : numpy.ndarray
        (z, y, x) bool.
    connectivity : int
        1 for neighbours that share a face, 2 an edge, 3 a corner.

    Returns
    -------
    Fragments

    Examples
    --------
    >>> pieces = connected(np.array([[[True, False, True], [True, False, False]]]), 1)
    >>> pieces.labels.tolist(), pieces.sizes.tolist()
    ([[[1, 0, 2], [1, 0, 0]]], [2, 1])
    """
    import cc3d

    labels, count = cc3d.connected_components(
        np.ascontiguousarray(mask), connectivity=_NEIGHBOURS[connectivity], return_N=True, out_dtype=np.uint32
    )
    nothing = np.empty(0, np.int64)
    return Fragments.of(np.ascontiguousarray(labels), int(count), nothing, np.empty(0, np.float32))


def basins(depth: Array, block: Box, connectivity: int) -> Fragments:
    """Cut the foreground of a block into what climbs to the same maximum of the depth.

    Every voxel leads to its deepest neighbour, of equal ones to the first in raster order; what leads to one end is a
    piece. Only neighbours decide, so that a block with one voxel around it has the pieces of the whole volume, cut at
    its border.

    Parameters
    ----------
    depth : numpy.ndarray
        (z, y, x) float32: above 0 in the foreground. Holds the neighbours of the block's voxels, too.
    block : Box
        The block in voxels of `depth`.
    connectivity : int
        1 for neighbours that share a face, 2 an edge, 3 a corner.

    Returns
    -------
    Fragments

    Examples
    --------
    >>> from napari_seamless.types import Box
    >>> pieces = basins(np.float32([[[1, 2, 1, 2, 3]]]), Box((0, 0, 0), (1, 1, 5)), 1)
    >>> pieces.labels.tolist(), pieces.ends.tolist(), pieces.heights.tolist()
    ([[[1, 1, 1, 2, 2]]], [1, 4], [2.0, 3.0])
    """
    from napari_seamless.instances import kernels

    low, size, shape = (np.array(n, np.int64) for n in (block.start, block.shape, depth.shape))
    up = np.full(depth.size, -1, np.int32)
    kernels.climb(depth, low, size, neighbour_steps(connectivity, forward=False), up)
    labels = np.zeros(block.shape, np.uint32)
    number = np.zeros(depth.size, np.int32)
    count = kernels.follow(up, shape, low, labels, number)
    del up
    (places,) = np.nonzero(number)
    ends = np.empty(count, np.int64)
    ends[number[places] - 1] = places
    return Fragments.of(labels, count, ends, depth.reshape(-1)[ends])
