"""The order in which patches come, computed for one patch at a time."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types import AxisGrid

Index = tuple[int, ...]


class Order(Protocol):
    """From the place of a patch in the sequence to its index along each axis."""

    def __getitem__(self, rank: int, /) -> Index:
        """Return the index of the patch that comes at this place."""
        ...


class Raster:
    """The last axis runs fastest.

    Parameters
    ----------
    shape : sequence of int
        Patches along each axis.

    Examples
    --------
    >>> Raster((2, 3))[4]
    (1, 1)
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self._shape = tuple(shape)

    def __getitem__(self, rank: int, /) -> Index:
        """Return the index of the patch that comes at this place."""
        return _unravel(rank, self._shape)


class ByChunk:
    """Chunk after chunk in raster order; within one, the patches whose first voxel lies in it, in raster order.

    A chunk can be finished as early as its own patches and those of its neighbours allow. Nothing is stored for each
    patch: along an axis the patches of a chunk are neighbours, so prefix sums over the chunks of each axis are enough.

    Parameters
    ----------
    grids : sequence of AxisGrid
        Where the patches lie; patches that begin before the image belong to the first chunk.
    chunk : sequence of int
        Chunk size in voxels.

    Examples
    --------
    >>> from napari_seamless.types import AxisGrid
    >>> grid = AxisGrid(length=8, starts=(0, 2, 4, 6), sizes=(2, 2, 2, 2))
    >>> order = ByChunk((grid, grid), (4, 8))
    >>> [order[i] for i in range(5)]
    [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]
    """

    def __init__(self, grids: Sequence[AxisGrid], chunk: Sequence[int]) -> None:
        self._totals = tuple(len(grid) for grid in grids)
        self._sums = [_prefix_sums(grid, size) for grid, size in zip(grids, chunk, strict=True)]

    def __getitem__(self, rank: int, /) -> Index:
        """Return the index of the patch that comes at this place."""
        first: list[int] = []
        counts: list[int] = []
        for axis, sums in enumerate(self._sums):
            # patches of one line of this axis: those chosen along earlier axes times all along later ones
            row = math.prod(counts) * math.prod(self._totals[axis + 1 :])
            chunk = bisect_right(sums, rank // row) - 1
            rank -= sums[chunk] * row
            first.append(sums[chunk])
            counts.append(sums[chunk + 1] - sums[chunk])
        return tuple(a + i for a, i in zip(first, _unravel(rank, counts), strict=True))


def _prefix_sums(grid: AxisGrid, size: int) -> list[int]:
    """Return how many patches begin before each chunk, and their number at last."""
    counts = [0] * -(-grid.length // size)
    for start in grid.starts:
        counts[max(start, 0) // size] += 1
    return [0, *accumulate(counts)]


def _unravel(rank: int, shape: Sequence[int]) -> Index:
    index = []
    for n in reversed(shape):
        rank, i = divmod(rank, n)
        index.append(i)
    return tuple(reversed(index))
