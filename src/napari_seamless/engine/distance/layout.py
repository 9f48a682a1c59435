"""How the work on a map is cut so that it stays within its memory."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_seamless.errors import SettingsError
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.distance import Measure
    from napari_seamless.engine.distance.settings import DistanceSettings
    from napari_seamless.types import Volume

_FLOAT = 4
_LARGEST_BLOCK = 2**25
"""Bytes of labels and squares that a thread reads at once, where planes are smaller: more is not quicker."""
_COPIES = 4
"""Blocks that a chunk on its way to the disk takes: stacked, encoded, and shrunk for the pyramid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Boxes of the passes.

    Parameters
    ----------
    shape, chunk : tuple of int
        Voxels of the volume and of a chunk per axis.
    voxel_bytes : int
        Bytes of a label.
    classes : int
        Maps.
    budget : int
        Bytes for all threads together; a part of them is kept for decoded labels.
    most_threads : int
        Threads that were asked for.
    """

    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    voxel_bytes: int
    classes: int
    budget: int
    most_threads: int

    @classmethod
    def of(cls, volume: Volume, settings: DistanceSettings, classes: int) -> Layout:
        """Return the layout of a map of this many classes over a volume."""
        return cls(
            shape=volume.spatial_shape,
            chunk=settings.chunk(volume.spatial_shape),
            voxel_bytes=volume.dtype.itemsize,
            classes=classes,
            budget=settings.budget_bytes,
            most_threads=settings.n_threads,
        )

    @property
    def cache_bytes(self) -> int:
        """Bytes for decoded chunks of the labels."""
        return self.budget // 3

    @property
    def whole_planes(self) -> bool:
        """Whether the first pass can hold a plane, and do all axes but the first at once."""
        return self._first_bytes * math.prod(self.shape[1:]) <= self.budget // 2

    @property
    def _first_bytes(self) -> int:
        """Bytes a voxel of the first pass: labels, where the class is, squares, and a copy on its way to the disk."""
        return self.voxel_bytes + 1 + _FLOAT

    @property
    def between(self) -> range:
        """Axes that have a pass of their own between the first pass and the last."""
        return range(0) if self.whole_planes else range(len(self.shape) - 2, 0, -1)

    def steps(self, measure: Measure) -> int:
        """Return how many boxes a map takes.

        Raises
        ------
        SettingsError
            The budget does not hold one of them.
        """
        if math.isfinite(measure.limit):
            return len(self.local_boxes(measure)[0])
        boxes = self.first_boxes()
        self.first_threads(boxes)
        for axis in (0, *self.between):
            self.column_threads(axis)
        return len(boxes) + sum(len(list(self.columns(axis))) for axis in (0, *self.between))

    def first_boxes(self) -> list[Box]:
        """Return the boxes that the first pass reads: planes of one row of chunks, or rows of chunks."""
        if not self.whole_planes:
            return list(self.columns(len(self.shape) - 1))
        plane = self._first_bytes * math.prod(self.shape[1:])
        planes = max(1, min(self.chunk[0], _LARGEST_BLOCK // plane))
        cuts = [
            (start, min(start + planes, begin + self.chunk[0], self.shape[0]))
            for begin in range(0, self.shape[0], self.chunk[0])
            for start in range(begin, min(begin + self.chunk[0], self.shape[0]), planes)
        ]
        zeros = (0,) * (len(self.shape) - 1)
        return [Box((a, *zeros), (b, *self.shape[1:])) for a, b in cuts]

    def columns(self, axis: int) -> Iterator[Box]:
        """Yield boxes of one chunk that are whole along one axis, in raster order."""
        sizes = [n if i == axis else c for i, (n, c) in enumerate(zip(self.shape, self.chunk, strict=True))]
        return _boxes(self.shape, tuple(sizes))

    def chunk_index(self, box: Box) -> tuple[int, ...]:
        """Return the index of the chunk that a box begins in."""
        return tuple(a // c for a, c in zip(box.start, self.chunk, strict=True))

    def chunks_of(self, box: Box) -> Iterator[Box]:
        """Yield the chunks of a box that holds whole ones, in raster order."""
        for part in _boxes(box.shape, self.chunk):
            yield part.within(tuple(-a for a in box.start))

    def first_threads(self, boxes: list[Box]) -> int:
        """Return how many threads may do boxes of the first pass side by side."""
        return self._threads(self._first_bytes * max(box.size for box in boxes))

    def column_threads(self, axis: int) -> int:
        """Return how many threads may hold a column of chunks of all classes, and what they store of it."""
        column = self.shape[axis] * math.prod(c for i, c in enumerate(self.chunk) if i != axis)
        return self._threads(_FLOAT * self.classes * (column + _COPIES * math.prod(self.chunk)))

    def local_boxes(self, measure: Measure) -> tuple[list[Box], int]:
        """Return boxes of whole chunks for a map that is cut at a distance, and the threads that may do them.

        With what lies within reach a box must fit; large ones spend less on it.
        """
        reach = measure.reach
        best = self.chunk
        for times in itertools.count(2):
            grown = tuple(min(n, times * c) for n, c in zip(self.shape, self.chunk, strict=True))
            if grown == best or self.most_threads * self._local_bytes(grown, reach) > self.budget - self.cache_bytes:
                break
            best = grown
            if max(grown) >= 4 * max(reach):
                break
        return list(_boxes(self.shape, best)), self._threads(self._local_bytes(best, reach))

    def _local_bytes(self, block: tuple[int, ...], reach: tuple[int, ...]) -> int:
        around = math.prod(min(n, b + 2 * r) for n, b, r in zip(self.shape, block, reach, strict=True))
        stored = self.classes * (math.prod(block) + _COPIES * math.prod(self.chunk))
        # what a lazy array returns and a contiguous copy of it, where the class is, squares
        return around * (2 * self.voxel_bytes + 1 + _FLOAT) + _FLOAT * stored

    def _threads(self, needed: int) -> int:
        held = self.budget - self.cache_bytes
        if needed > held:
            least = math.ceil(needed * self.budget / held / 2**20)
            raise SettingsError(
                f"memory_budget is {self.budget // 2**20} MiB, but {self.classes} maps in chunks of {self.chunk} need "
                f"{least} MiB; raise the budget, or choose smaller chunks or fewer classes."
            )
        return min(self.most_threads, held // max(1, needed))


def _boxes(shape: tuple[int, ...], size: tuple[int, ...]) -> Iterator[Box]:
    """Cut a shape into boxes of a size, smaller at the ends."""
    starts = itertools.product(*(range(0, n, s) for n, s in zip(shape, size, strict=True)))
    for start in starts:
        yield Box(start, tuple(min(a + s, n) for a, s, n in zip(start, size, shape, strict=True)))
