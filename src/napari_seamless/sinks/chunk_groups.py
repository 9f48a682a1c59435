"""Which chunks make up a shard, and which of them have come."""

from __future__ import annotations

import itertools
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Index = tuple[int, ...]


class ChunkGroups:
    """Collect chunks until all of a shard have come; a shard without others is one chunk.

    Parameters
    ----------
    grid : tuple of int
        Chunks of the output along each axis.
    per_shard : tuple of int
        Chunks of a shard along each axis; shards at the end have fewer.

    Examples
    --------
    >>> groups = ChunkGroups((3, 1), (2, 1))
    >>> groups.add((1, 0)), groups.add((2, 0)), groups.add((0, 0))
    ((), ((2, 0),), ((0, 0), (1, 0)))
    """

    def __init__(self, grid: Index, per_shard: Index) -> None:
        self._grid = grid
        self._per_shard = per_shard
        self._lock = Lock()
        self._come: dict[Index, set[Index]] = {}

    def shard_of(self, index: Index) -> Index:
        """Return the index of the shard that a chunk lies in."""
        return tuple(i // n for i, n in zip(index, self._per_shard, strict=True))

    def members(self, shard: Index) -> Iterator[Index]:
        """Return all places of a shard in raster order, those beyond the output included."""
        return itertools.product(*(range(i * n, (i + 1) * n) for i, n in zip(shard, self._per_shard, strict=True)))

    def add(self, index: Index) -> tuple[Index, ...]:
        """Take a chunk; return the chunks of its shard when it was the last of them, else nothing."""
        shard = self.shard_of(index)
        with self._lock:
            come = self._come.setdefault(shard, set())
            come.add(index)
            wanted = 1
            for i, n, total in zip(shard, self._per_shard, self._grid, strict=True):
                wanted *= min(n, total - i * n)
            if len(come) < wanted:
                return ()
            return tuple(sorted(self._come.pop(shard)))

    def rest(self) -> list[tuple[Index, ...]]:
        """Return, and forget, the chunks of every shard that has begun and is not complete."""
        with self._lock:
            begun = [tuple(sorted(come)) for come in self._come.values()]
            self._come.clear()
            return begun
