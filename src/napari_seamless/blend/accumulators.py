"""Sums of weighted patch outputs, one array for each output chunk that is in flight."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Container, Iterator, Sequence
from typing import TYPE_CHECKING

import torch

from napari_seamless.blend.arithmetic import add_into

if TYPE_CHECKING:
    from napari_seamless.blend.scratch import Scratch
    from napari_seamless.types import Plan

Index = tuple[int, ...]
NextTouch = Callable[[Sequence[range], Index], Index | None]


class ChunkAccumulators:
    """Accumulate patches that arrive in raster order and hand out each output chunk when it is finished.

    An array lives from the first patch that touches its chunk to the last one. Contributions to a voxel are therefore
    summed in raster patch order whatever the chunk size and the budget, and their sum has the same bytes. Beyond the
    budget, the chunks that are needed last go to the scratch store until the next patch touches them.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.
    next_touch : callable
        (index ranges per axis, patch index) to the next patch in those ranges, or None: see `plan.next_touch`.
    scratch : Scratch
        Where sums beyond the budget go.
    budget : int
        Bytes of sums to hold in memory; it is passed only where the chunks under one patch are more.
    skip : container of tuple of int
        Chunks that are finished already, as a resumed run knows them.
    """

    def __init__(
        self, plan: Plan, next_touch: NextTouch, scratch: Scratch, *, budget: int, skip: Container[Index] = ()
    ) -> None:
        self._plan = plan
        self._next_touch = next_touch
        self._scratch = scratch
        self._budget = budget
        self._skip = skip
        self._sums: dict[Index, torch.Tensor] = {}
        self._spilled: set[Index] = set()
        self._next: dict[Index, Index] = {}
        self._queue: list[tuple[tuple[int, ...], Index]] = []
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of the sums that are in memory now."""
        return self._bytes

    def add(self, weighted: torch.Tensor, index: Index) -> Iterator[tuple[Index, torch.Tensor]]:
        r"""Add one patch; yield the chunks that it finishes.

        Parameters
        ----------
        weighted : torch.Tensor
            (class, \\*patch) float32, already multiplied by the window.
        index : tuple of int
            The patch's index in the plan; patches must come in raster order.

        Yields
        ------
        index : tuple of int
            Index of a finished output chunk.
        sums : torch.Tensor
            (class, \\*chunk) float32; the caller owns it.
        """
        box = self._plan.patch_box(index)
        touched = [chunk for chunk in self._plan.chunks_touching(box) if chunk not in self._skip]
        absent = [chunk for chunk in touched if chunk not in self._sums]
        self._make_room(4 * weighted.shape[0] * sum(self._plan.chunk_box(chunk).size for chunk in absent), index)
        for chunk in touched:
            chunk_box = self._plan.chunk_box(chunk)
            common = box.intersect(chunk_box)
            sums = self._fetch(chunk, (weighted.shape[0], *chunk_box.shape), weighted.device)
            target = sums[(slice(None), *common.within(chunk_box.start).slices)]
            add_into(target, weighted[(slice(None), *common.within(box.start).slices)])
            following = self._next_touch(self._plan.touching(chunk_box), index)
            if following is None:
                yield chunk, self._release(chunk)
            else:
                self._expect(chunk, following)

    def _fetch(self, chunk: Index, shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
        if chunk not in self._sums:
            if chunk in self._spilled:
                self._spilled.remove(chunk)
                sums = self._scratch.load(chunk, shape).to(device)
            else:
                sums = torch.zeros(shape, dtype=torch.float32, device=device)
            self._sums[chunk] = sums
            self._bytes += 4 * math.prod(shape)
        return self._sums[chunk]

    def _release(self, chunk: Index) -> torch.Tensor:
        sums = self._sums.pop(chunk)
        self._next.pop(chunk, None)
        self._bytes -= 4 * sums.numel()
        return sums

    def _expect(self, chunk: Index, following: Index) -> None:
        """Queue a chunk by the patch that needs it next; entries that a later patch outdated are cleared in time."""
        self._next[chunk] = following
        heapq.heappush(self._queue, (tuple(-i for i in following), chunk))
        if len(self._queue) > 2 * len(self._next) + 64:
            self._queue = [(tuple(-i for i in patch), waiting) for waiting, patch in self._next.items()]
            heapq.heapify(self._queue)

    def _make_room(self, wanted: int, index: Index) -> None:
        """Move the chunks whose next patch is farthest away to scratch, but none that this patch touches."""
        while self._bytes + wanted > self._budget and self._queue:
            negated, chunk = heapq.heappop(self._queue)
            following = tuple(-i for i in negated)
            if self._next.get(chunk) == following != index:
                self._scratch.save(chunk, self._release(chunk))
                self._spilled.add(chunk)
