"""Which batch comes next: raster order, but first what somebody looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_seamless.plan import Batches
from napari_seamless.types import Box, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_seamless.engine.part import Outside
    from napari_seamless.plan import Batch


class Agenda:
    """Yield every batch once that touches a chunk to be finished.

    What is in sight is asked for before each batch, so that it may change at any time; the chunks under it come first,
    in raster order, then everything else. Memory grows with what was taken out of its turn, not with the plan.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.
    outside : Outside
        What is not to be finished.
    in_sight : callable
        Returns the box that is looked at, or None.
    """

    def __init__(self, plan: Plan, outside: Outside, in_sight: Callable[[], Box | None] = lambda: None) -> None:
        self.passed_over = 0
        """Patches so far, of those that touch the part, that touch only finished chunks."""
        self._plan = plan
        self._outside = outside
        self._touching = plan.touching(outside.part.box(plan))
        self._in_sight = in_sight
        self._batches = Batches(plan)
        self._ahead: set[int] = set()
        self._last = -1

    def __iter__(self) -> Iterator[Batch]:
        rest = self._batches.touching(self._touching)
        sight: Box | None = None
        seen: Iterator[int] = iter(())
        while True:
            now = self._in_sight()
            if now != sight:
                sight, seen = now, self._under(now)
            number = self._next_seen(seen)
            if number is None:
                number = self._next_of(rest)
            if number is None:
                return
            batch = self._batches[number]
            if self._is_wanted(batch):
                yield batch
            else:
                self.passed_over += self.count(batch)

    def count(self, batch: Batch) -> int:
        """Return how many patches of a batch touch the part; the others only keep a batch as it is in every run."""
        return sum(all(i in r for i, r in zip(patch, self._touching, strict=True)) for patch in batch)

    def _next_seen(self, seen: Iterator[int]) -> int | None:
        """Return the next batch in sight that was not taken, and remember that it is out of its turn."""
        for number in seen:
            if number > self._last and number not in self._ahead:
                self._ahead.add(number)
                return number
        return None

    def _next_of(self, rest: Iterator[int]) -> int | None:
        for number in rest:
            self._last = number
            if number not in self._ahead:
                return number
            self._ahead.remove(number)
        return None

    def _under(self, sight: Box | None) -> Iterator[int]:
        """Return the batches that finish the chunks under a box."""
        everything = self._outside.part.box(self._plan)
        common = everything if sight is None else everything.intersect(sight)
        if common.size == 0 or common == everything:
            return iter(())
        chunks = list(map(self._plan.chunks_along, range(len(common.start)), common.start, common.stop))
        first = self._plan.chunk_box(tuple(r[0] for r in chunks))
        last = self._plan.chunk_box(tuple(r[-1] for r in chunks))
        return self._batches.touching(self._plan.touching(Box(first.start, last.stop)))

    def _is_wanted(self, batch: Batch) -> bool:
        if not self._outside.done:
            return True
        boxes = map(self._plan.patch_box, batch)
        return any(chunk not in self._outside for box in boxes for chunk in self._plan.chunks_touching(box))
