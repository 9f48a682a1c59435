"""How the work on instances is cut so that it stays within its memory."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.engine.instances.settings import InstanceSettings
    from napari_seamless.types import Volume

Index = tuple[int, ...]
Array = np.ndarray[Any, Any]

_VOXEL_BYTES = 32
"""What a voxel of a block takes in the largest of the passes, beside labels as they are stored."""
_LARGEST_BLOCK = 2**24
"""Voxels: larger blocks have no fewer pieces worth naming."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Blocks of whole chunks; three axes always, with a length of 1 in front of two.

    Parameters
    ----------
    axes : int
        Spatial axes of the volume.
    shape, chunk, block : tuple of int
        Voxels of the volume, of a chunk and of a block per axis.
    threads : int
        Blocks that are held at once.
    """

    axes: int
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    block: tuple[int, ...]
    threads: int

    @classmethod
    def of(cls, volume: Volume, settings: InstanceSettings) -> Layout:
        """Return the largest blocks that the budget has room for, one for each thread.

        Raises
        ------
        SettingsError
            The budget does not hold a chunk.
        """
        front = (1,) * (3 - len(volume.shape))
        shape, chunk = (*front, *volume.shape), (*front, *settings.chunk(volume.shape))
        voxel = _VOXEL_BYTES + 2 * volume.dtype.itemsize
        held = settings.budget_bytes // 2
        if _grown_size(chunk) * voxel > held:
            least = math.ceil(2 * _grown_size(chunk) * voxel / 2**20)
            raise SettingsError(
                f"memory_budget is {settings.budget_bytes // 2**20} MiB, but chunks of {chunk[-len(volume.shape) :]} "
                f"need {least} MiB; raise the budget, or choose smaller chunks."
            )
        block = _largest(shape, chunk, min(_LARGEST_BLOCK, held // voxel // settings.n_threads))
        threads = min(settings.n_threads, held // (_grown_size(block) * voxel))
        return cls(axes=len(volume.shape), shape=shape, chunk=chunk, block=block, threads=max(1, threads))

    @property
    def grid(self) -> Index:
        """Blocks along each axis."""
        return tuple(-(-n // b) for n, b in zip(self.shape, self.block, strict=True))

    @property
    def indices(self) -> list[Index]:
        """The blocks in raster order."""
        return list(itertools.product(*map(range, self.grid)))

    def number(self, index: Index) -> int:
        """Return the place of a block in raster order."""
        return int(np.ravel_multi_index(index, self.grid))

    def box(self, index: Index) -> Box:
        """Return the voxels of a block."""
        start = tuple(i * b for i, b in zip(index, self.block, strict=True))
        return Box(start, tuple(min(a + b, n) for a, b, n in zip(start, self.block, self.shape, strict=True)))

    def grown(self, box: Box, before: int, after: int) -> Box:
        """Return a box with voxels around it, as far as there are any."""
        stop = tuple(min(b + after, n) for b, n in zip(box.stop, self.shape, strict=True))
        return Box(tuple(max(a - before, 0) for a in box.start), stop)

    def places(self, flat: Array, box: Box) -> Array:
        """Return raster indices in the volume of raster indices in a box."""
        inside = np.unravel_index(flat, box.shape)
        place = [i + a for i, a in zip(inside, box.start, strict=True)]
        return np.ravel_multi_index(place, self.shape).astype(np.int64)

    def blocks_of(self, places: Array) -> Array:
        """Return the number of the block of each raster index in the volume."""
        inside = np.unravel_index(places, self.shape)
        index = [i // b for i, b in zip(inside, self.block, strict=True)]
        return np.ravel_multi_index(index, self.grid).astype(np.int64)

    def chunks_of(self, box: Box) -> Iterator[tuple[Index, Box]]:
        """Yield index and box of the chunks of a block, in raster order."""
        spans = [range(a, b, c) for a, b, c in zip(box.start, box.stop, self.chunk, strict=True)]
        for start in itertools.product(*spans):
            stop = tuple(min(a + c, n) for a, c, n in zip(start, self.chunk, self.shape, strict=True))
            yield tuple(a // c for a, c in zip(start, self.chunk, strict=True)), Box(start, stop)

    def in_volume(self, box: Box) -> Box:
        """Return a box with the axes of the volume."""
        return Box(box.start[-self.axes :], box.stop[-self.axes :])


def _largest(shape: Index, chunk: Index, most: int) -> Index:
    """Double a chunk along all axes while it has at most so many voxels."""
    block = chunk
    while True:
        doubled = tuple(min(2 * b, -(-n // c) * c) for b, n, c in zip(block, shape, chunk, strict=True))
        if doubled == block or _grown_size(doubled) > most:
            return block
        block = doubled


def _grown_size(box: Index) -> int:
    return math.prod(n + 2 for n in box if n > 1)
