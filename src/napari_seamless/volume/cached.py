"""A volume whose decoded chunks are kept: overlapping patches ask for each of them many times."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.volume.chunk_cache import ChunkCache
from napari_seamless.volume.chunk_grid import ChunkGrid
from napari_seamless.volume.lazy_data import LazyWrapper
from napari_seamless.volume.slicing import drop_integers, full_key, whole_slices

if TYPE_CHECKING:
    from napari_seamless.types import ArrayLike, Volume

Array = np.ndarray[Any, Any]


class CachedData(LazyWrapper):
    """An array that keeps decoded chunks; made anew, and empty, in another process.

    Parameters
    ----------
    base : ArrayLike
        What is read.
    grid : ChunkGrid
        What of it is decoded at once.
    budget_bytes : int
        Bytes of chunks that are kept. A box that meets chunks of more bytes is read past the cache.
    """

    def __init__(self, base: ArrayLike, grid: ChunkGrid, budget_bytes: int) -> None:
        super().__init__(base)
        self.grid = grid
        self.cache = ChunkCache(lambda index: np.asarray(base[grid.box(index)]), budget_bytes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels."""
        return self.grid.shape

    @property
    def chunks(self) -> tuple[Any, ...]:
        """Voxels per axis that the array behind this one decodes at once."""
        return tuple(getattr(self.base, "chunks", ()))

    @property
    def stored_chunks(self) -> tuple[Any, ...]:
        """Voxels per axis that the array behind this one stores together."""
        return tuple(getattr(self.base, "stored_chunks", self.chunks))

    def __reduce__(self) -> tuple[Any, ...]:
        return CachedData, (self.base, self.grid, self.cache.budget_bytes)

    def __getitem__(self, key: Any) -> Array:
        """Read the voxels that integers and slices of positive step name; always a new array."""
        slices = whole_slices(key, self.shape)
        if any(s.step != 1 for s in slices):
            return np.asarray(self.base[key])
        part = np.empty([s.stop - s.start for s in slices], dtype=self.dtype)
        self.read_into(slices, part)
        return drop_integers(part, key)

    def read_into(self, key: Any, out: Array) -> None:
        """Write the voxels that integers and slices of step 1 name into an array, cast to its type.

        Parameters
        ----------
        key : int, slice, Ellipsis or a tuple of them
            What stands in the brackets.
        out : numpy.ndarray
            Of the shape that the brackets would give; need not be contiguous.
        """
        slices = whole_slices(key, self.shape)
        whole = out[tuple(slice(None) if isinstance(e, slice) else np.newaxis for e in full_key(key, self.ndim))]
        if self.grid.voxels_touched(slices) * self.dtype.itemsize > self.cache.budget_bytes:
            np.copyto(whole, np.asarray(self.base[slices]), casting="unsafe")
            return
        for index, chunk in self.cache.chunks(self.grid.touching(slices)):
            here, there = [], []
            for wanted, held in zip(slices, self.grid.box(index), strict=True):
                first, last = max(wanted.start, held.start), min(wanted.stop, held.stop)
                here.append(slice(first - wanted.start, last - wanted.start))
                there.append(slice(first - held.start, last - held.start))
            np.copyto(whole[tuple(here)], chunk[tuple(there)], casting="unsafe")


def cached(volume: Volume, budget_bytes: int) -> Volume:
    """Return the same volume with a memory for the decoded chunks of its finest level.

    Parameters
    ----------
    volume : Volume
        What is read.
    budget_bytes : int
        Bytes of chunks that are kept; `useful_cache_bytes` says how many help.

    Returns
    -------
    Volume
        The volume as it is where its array is not chunked (NumPy arrays, tensors, memory maps), or where a chunk is
        larger than the budget.

    Examples
    --------
    >>> import dask.array
    >>> from napari_seamless.volume import open_volume
    >>> volume = cached(open_volume(dask.array.arange(100, chunks=10)), budget_bytes=400)
    >>> volume.data[5:15].tolist() == list(range(5, 15)), volume.data.cache.n_bytes
    (True, 160)
    """
    data = volume.data
    grid = None if isinstance(data, CachedData) else ChunkGrid.of(data)
    if grid is None or grid.largest_chunk * volume.dtype.itemsize > budget_bytes:
        return volume
    finest = dataclasses.replace(volume.levels[0], data=CachedData(data, grid, budget_bytes))
    return dataclasses.replace(volume, levels=(finest, *volume.levels[1:]))


def useful_cache_bytes(volume: Volume, patch_size: tuple[int, ...], at_most: int, *, channel: int | None = None) -> int:
    """Return the bytes of a cache that help when overlapping patches are read in raster order.

    A cache that drops what was used longest ago helps in steps. With the chunks that one patch meets, neighbours along
    the last axis share them; with a whole row of chunks along the last axis, neighbours along the axis before it do;
    and with whole planes of chunks each chunk of a three-dimensional volume is decoded once. Memory between two steps
    is wasted. Each step has room for the next smaller one on top, for what comes in before the oldest chunks have
    become the oldest.

    Parameters
    ----------
    volume : Volume
        What is read.
    patch_size : tuple of int
        Largest patch per spatial axis, in voxels.
    at_most : int
        Bytes that may be used.
    channel : int or None
        The only channel that is read; None for all.

    Returns
    -------
    int
        The highest step that fits, 0 where none does or the array is not chunked.

    Examples
    --------
    >>> import dask.array
    >>> from napari_seamless.volume import open_volume
    >>> volume = open_volume(dask.array.zeros((80, 80, 80), chunks=10, dtype="u1"))
    >>> [useful_cache_bytes(volume, (10, 10, 10), at_most) for at_most in (10**6, 10**5, 3 * 10**4, 100)]
    [160000, 40000, 8000, 0]
    """
    grid = ChunkGrid.of(volume.data)
    if grid is None:
        return 0
    space = [i for i, axis in enumerate(volume.axes) if axis in volume.spatial_axes]
    narrow = [grid.widest(i, patch) for i, patch in zip(space, patch_size, strict=True)]
    whole = [grid.shape[i] for i in space]
    others = [
        grid.widest(i, 1 if axis == "c" and channel is not None else n)
        for i, (axis, n) in enumerate(zip(volume.axes, grid.shape, strict=True))
        if i not in space
    ]
    voxel = volume.dtype.itemsize * math.prod(others)
    steps = [voxel * math.prod(narrow[:k] + whole[k:]) for k in range(len(space) + 1)] + [0]
    useful = (min(step + finer, steps[0]) for step, finer in itertools.pairwise(steps[1:]))
    return next((n for n in useful if n <= at_most), 0)
