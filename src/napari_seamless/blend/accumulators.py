"""Sums of weighted patch outputs, for each output chunk that is in flight."""

from __future__ import annotations

import itertools
import math
import threading
from typing import TYPE_CHECKING

import torch

from napari_seamless.blend.buffers import Buffers
from napari_seamless.blend.chunk_state import ChunkState, Touch, add_parts, from_start
from napari_seamless.blend.tiles import TiledSums, spans, tile_cuts

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from napari_seamless.blend.scratch import Scratch
    from napari_seamless.types import Plan

Index = tuple[int, ...]

_SLACK = 8
"""What is spilled goes down to this part below the budget, so that not every patch has to spill."""


class ChunkAccumulators:
    """Add patches in any order, from any threads, and hand out each output chunk when it is finished.

    The sums of a chunk live from the first patch that touches it to the last one. Contributions to a voxel are summed
    in raster patch order, whatever the order of evaluation, the chunk size and the budget, so that the sum has the same
    bytes. A patch whose turn has not come waits for those that other threads are about to add, and leaves a copy where
    they are not even expected yet. Beyond the budget, the sums that are needed last go to the scratch store until the
    next patch touches them.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.
    scratch : Scratch
        Where sums beyond the budget go.
    budget : int
        Bytes of sums to hold in memory; it is passed only where the chunks that are added to are more.
    skip : container of tuple of int
        Chunks that somebody else finishes, or that a resumed run knows as finished.
    """

    def __init__(self, plan: Plan, scratch: Scratch, *, budget: int, skip: Container[Index] = ()) -> None:
        self._plan = plan
        self._scratch = scratch
        self._budget = budget
        self._skip = skip
        self._buffers = Buffers()
        self._chunks: dict[Index, ChunkState] = {}
        self._touches: list[dict[int, tuple[Touch, ...]]] = [{} for _ in plan.grids]
        self._expected: dict[Index, int] = {}
        self._count = 0
        self._changed = threading.Condition()
        self.held_bytes = 0
        """Bytes that are in memory now."""

    def expect(self, index: Index) -> None:
        """Say that a thread is about to add this patch; others wait for it where it is their turn before theirs.

        Expect patches in the order in which threads begin to work on them.
        """
        with self._changed:
            self._count += 1
            self._expected[index] = self._count

    def give_up(self) -> None:
        """Let nobody wait any more: what was expected may not come."""
        with self._changed:
            self._expected.clear()
            self._changed.notify_all()

    def add(self, weighted: torch.Tensor, index: Index) -> list[tuple[Index, TiledSums]]:
        r"""Add one patch; return the chunks that it finishes.

        Parameters
        ----------
        weighted : torch.Tensor
            (class, \*patch) float32, already multiplied by the window. It is read before this returns.
        index : tuple of int
            The patch's index in the plan; each must come once.

        Returns
        -------
        list of (tuple of int, TiledSums)
            Index and sums of each output chunk that is finished; the caller owns the sums, and may hand them back with
            `recycle`.
        """
        waiting = list(itertools.product(*[self._touching(axis, i) for axis, i in enumerate(index)]))
        finished = []
        while waiting:
            ready, waiting = self._take_turns(waiting, index, weighted)
            add_parts([(chunk, weighted, touch) for chunk, touch in ready])
            finished += self._end_turns([chunk for chunk, _ in ready], weighted)
        with self._changed:
            self._expected.pop(index, None)
        return finished

    def recycle(self, sums: TiledSums) -> None:
        """Take back finished sums that nobody looks at any more, from any thread: their memory serves the next ones."""
        self._buffers.give(sums.flat)

    def _touching(self, axis: int, patch: int) -> tuple[Touch, ...]:
        """Return the chunks along an axis that a patch touches; computed once for each patch along the axis."""
        known = self._touches[axis]
        if patch not in known:
            known[patch] = tuple(self._touch(axis, patch))
        return known[patch]

    def _touch(self, axis: int, patch: int) -> Iterator[Touch]:
        plan, (lo, hi) = self._plan, self._plan.grids[axis].interval(patch)
        for chunk in plan.chunks_along(axis, lo, hi):
            start = plan.output_box.start[axis] + chunk * plan.chunk[axis]
            stop = min(start + plan.chunk[axis], plan.output_box.stop[axis])
            a, b = max(lo, start), min(hi, stop)
            cuts = tile_cuts(stop - start, len(plan.grids))
            yield Touch(chunk, a - lo, b - lo, spans(cuts, a - start, b - start, lo - start))

    def _take_turns(
        self, touches: list[tuple[Touch, ...]], patch: Index, weighted: torch.Tensor
    ) -> tuple[list[tuple[ChunkState, tuple[Touch, ...]]], list[tuple[Touch, ...]]]:
        """Take the chunks that a patch may be added to now; return them, and those for which it has to wait.

        Where there are only such, it waits here. What it cannot wait for is kept.
        """
        with self._changed:
            while True:
                ready, waiting = [], []
                for touch in touches:
                    chunk = self._chunk(touch)
                    if chunk is None:
                        continue
                    place = chunk.place(patch)
                    if place == chunk.added:
                        chunk.busy = True
                        self._fetch(chunk, weighted)
                        ready.append((chunk, touch))
                    elif self._comes_before(chunk.patch(chunk.added), patch):
                        waiting.append(touch)
                    else:
                        self._keep(chunk, place, weighted[(slice(None), *(slice(t.lo, t.hi) for t in touch))])
                if ready or not waiting:
                    return ready, waiting
                self._changed.wait()
                touches = waiting

    def _comes_before(self, other: Index, patch: Index) -> bool:
        """Tell whether another patch is on its way and began earlier; to wait for such alone has an end."""
        return self._expected.get(other, self._count + 1) < self._expected.get(patch, 0)

    def _end_turns(self, chunks: list[ChunkState], like: torch.Tensor) -> list[tuple[Index, TiledSums]]:
        """Add what has waited for these turns to end; return the chunks that are finished."""
        with self._changed:
            for chunk in chunks:
                chunk.added += 1
                while chunk.added in chunk.early:
                    self._add_early(chunk, like)
                chunk.busy = False
            self._changed.notify_all()
            return [(chunk.index, self._release(chunk)) for chunk in chunks if chunk.added == chunk.total]

    def _chunk(self, touch: tuple[Touch, ...]) -> ChunkState | None:
        index = tuple([t.chunk for t in touch])
        if index not in self._chunks:
            if index in self._skip:
                return None
            box = self._plan.chunk_box(index)
            patches = self._plan.touching(box)
            cuts = tuple(tile_cuts(n, len(index)) for n in box.shape)
            self._chunks[index] = ChunkState(index, patches, math.prod(map(len, patches)), cuts)
        return self._chunks[index]

    def _fetch(self, chunk: ChunkState, like: torch.Tensor) -> None:
        """Bring the sums of a chunk into memory: from scratch, or new."""
        if chunk.sums is not None:
            return
        n = like.shape[0] * math.prod(cut[-1] for cut in chunk.cuts)
        self._make_room(4 * n)
        flat = self._buffers.take(n, like.device)
        if chunk.spilled:
            self._scratch.load_into(chunk.index, flat)
            chunk.spilled = False
        else:
            flat.zero_()
        chunk.sums = TiledSums(like.shape[0], chunk.cuts, flat)
        self.held_bytes += chunk.sums.nbytes

    def _keep(self, chunk: ChunkState, place: int, part: torch.Tensor) -> None:
        """Let a copy of a patch's part of a chunk wait for its turn."""
        self._make_room(4 * part.numel())
        chunk.early[place] = part.clone()
        self.held_bytes += 4 * part.numel()

    def _add_early(self, chunk: ChunkState, like: torch.Tensor) -> None:
        """Add the waiting part whose turn has come."""
        touch = [
            next(t for t in self._touching(axis, i) if t.chunk == at)
            for axis, (i, at) in enumerate(zip(chunk.patch(chunk.added), chunk.index, strict=True))
        ]
        part = chunk.early.pop(chunk.added)
        if part is None:
            part = torch.empty(like.shape[0] * math.prod(t.hi - t.lo for t in touch), device=like.device)
            self._scratch.load_into((*chunk.index, chunk.added), part)
        else:
            self.held_bytes -= 4 * part.numel()
        part = part.view(like.shape[0], *(t.hi - t.lo for t in touch))
        # a part begins where the patch meets the chunk
        add_parts([(chunk, part, tuple(map(from_start, touch)))])
        chunk.added += 1

    def _release(self, chunk: ChunkState) -> TiledSums:
        sums, chunk.sums = chunk.sums, None
        if sums is None:
            raise RuntimeError("a chunk without sums cannot be finished")
        del self._chunks[chunk.index]
        self.held_bytes -= sums.nbytes
        return sums

    def _make_room(self, wanted: int) -> None:
        """Move what is needed last to scratch, but no sums that somebody adds to."""
        if self.held_bytes + wanted <= self._budget:
            return
        goal = self._budget - self._budget // _SLACK - wanted
        for chunk in sorted(self._chunks.values(), key=lambda c: c.patch(c.added), reverse=True):
            if self.held_bytes <= goal:
                return
            self._spill(chunk)

    def _spill(self, chunk: ChunkState) -> None:
        for place, part in chunk.early.items():
            if part is not None:
                self._scratch.save((*chunk.index, place), part)
                self.held_bytes -= 4 * part.numel()
                chunk.early[place] = None
        if chunk.sums is not None and not chunk.busy:
            self._scratch.save(chunk.index, chunk.sums.flat)
            self.held_bytes -= chunk.sums.nbytes
            self._buffers.give(chunk.sums.flat)
            chunk.sums, chunk.spilled = None, True
