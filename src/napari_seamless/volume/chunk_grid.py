"""Where the chunks of an array lie: what is decoded at once."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_seamless.types import ArrayLike

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChunkGrid:
    """First voxels of the chunks along each axis; chunks may be of different lengths.

    Parameters
    ----------
    shape : tuple of int
        Voxels of the array per axis.
    starts : tuple of sequences of int
        First voxel of each chunk, rising from 0, per axis.

    Examples
    --------
    >>> grid = ChunkGrid((10,), (range(0, 10, 4),))
    >>> grid.box((2,)), list(grid.touching((slice(3, 8),))), grid.widest(0, 3)
    ((slice(8, 10, None),), [(0,), (1,)], 8)
    """

    shape: tuple[int, ...]
    starts: tuple[Sequence[int], ...]

    @classmethod
    def of(cls, array: ArrayLike) -> ChunkGrid | None:
        """Return the chunks of an array by its attribute ``chunks``, None where it has none.

        Zarr and HDF5 give one length per axis; dask gives the length of every chunk.
        """
        chunks = getattr(array, "chunks", None)
        if not chunks or len(chunks) != len(array.shape):
            return None
        shape = tuple(int(n) for n in array.shape)
        return cls(shape, tuple(_starts(chunk, n) for chunk, n in zip(chunks, shape, strict=True)))

    def box(self, index: Index) -> tuple[slice, ...]:
        """Return the voxels of a chunk, cut at the array's end."""
        return tuple(
            slice(s[i], self._stop(axis, i)) for axis, (s, i) in enumerate(zip(self.starts, index, strict=True))
        )

    def touching(self, slices: tuple[slice, ...]) -> Iterator[Index]:
        """Yield the indices of the chunks that share a voxel with slices of step 1, in raster order."""
        if any(s.start >= s.stop for s in slices):
            return iter(())
        return itertools.product(*(range(*self._span(axis, s)) for axis, s in enumerate(slices)))

    def voxels_touched(self, slices: tuple[slice, ...]) -> int:
        """Return the voxels of all chunks that share a voxel with slices of step 1."""
        spans = [self._span(axis, s) for axis, s in enumerate(slices)]
        return math.prod(self._stop(axis, b - 1) - self.starts[axis][a] for axis, (a, b) in enumerate(spans))

    def widest(self, axis: int, length: int) -> int:
        """Return the voxels along an axis of the chunks that an interval of this length meets, at the most."""
        starts, n = self.starts[axis], self.shape[axis]
        if isinstance(starts, range):
            return min(n, ((length - 2) // starts.step + 2) * starts.step)
        return min(n, length + 2 * (self._longest(axis) - 1))

    @property
    def largest_chunk(self) -> int:
        """Voxels of the largest chunk."""
        return math.prod(self._longest(axis) for axis in range(len(self.shape)))

    def _longest(self, axis: int) -> int:
        starts, n = self.starts[axis], self.shape[axis]
        if isinstance(starts, range):
            return min(n, starts.step)
        return max(b - a for a, b in itertools.pairwise((*starts, n)))

    def _span(self, axis: int, taken: slice) -> tuple[int, int]:
        starts = self.starts[axis]
        return bisect_right(starts, taken.start) - 1, bisect_left(starts, taken.stop)

    def _stop(self, axis: int, i: int) -> int:
        starts = self.starts[axis]
        return min(starts[i + 1] if i + 1 < len(starts) else self.shape[axis], self.shape[axis])


def _starts(chunk: int | Sequence[int], n: int) -> Sequence[int]:
    if isinstance(chunk, int | np.integer):
        return range(0, n, int(chunk))
    lengths = [int(c) for c in chunk if c]
    if len(set(lengths[:-1])) < 2 and lengths[-1] <= lengths[0]:
        return range(0, n, lengths[0])
    return tuple(itertools.accumulate(lengths, initial=0))[:-1]
