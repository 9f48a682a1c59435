"""Sums of weighted patch outputs, for each output chunk that is in flight."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from napari_seamless.blend.buffers import Buffers
from napari_seamless.blend.tiles import Span, TiledSums, spans, tile_cuts

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from napari_seamless.blend.scratch import Scratch
    from napari_seamless.types import Plan

Index = tuple[int, ...]

_SLACK = 8
"""What is spilled goes down to this part below the budget, so that not every patch has to spill."""


@dataclass(slots=True)
class _Chunk:
    """A chunk in flight.

    Its patches have a fixed order, the raster order, in which `added` counts them. One that comes before its turn waits
    in `early` under its place in that order; None there means that it waits in the scratch store.
    """

    index: Index
    patches: tuple[range, ...]
    total: int
    cuts: tuple[tuple[int, ...], ...]
    sums: TiledSums | None = None
    spilled: bool = False
    added: int = 0
    early: dict[int, torch.Tensor | None] = field(default_factory=dict)

    def place(self, patch: Index) -> int:
        """Return the place of a patch in the chunk's order."""
        place = 0
        for i, r in zip(patch, self.patches, strict=True):
            place = place * len(r) + i - r.start
        return place

    def patch(self, place: int) -> Index:
        """Return the patch at a place of the chunk's order."""
        index = []
        for r in reversed(self.patches):
            place, i = divmod(place, len(r))
            index.append(r.start + i)
        return tuple(reversed(index))


@dataclass(frozen=True, slots=True)
class _Touch:
    """What a patch and a chunk share along one axis: voxels of the patch, and where they go in the chunk's tiles."""

    chunk: int
    lo: int
    hi: int
    spans: tuple[Span, ...]


class ChunkAccumulators:
    """Add patches in any order and hand out each output chunk when it is finished.

    The sums of a chunk live from the first patch that touches it to the last one. Contributions to a voxel are summed
    in raster patch order, whatever the order of evaluation, the chunk size and the budget, so that the sum has the same
    bytes: what comes before its turn waits. In raster order nothing ever waits. Beyond the budget, the sums that are
    needed last go to the scratch store until the next patch touches them.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.
    scratch : Scratch
        Where sums beyond the budget go.
    budget : int
        Bytes of sums to hold in memory; it is passed only where the chunks under one patch are more.
    skip : container of tuple of int
        Chunks that somebody else finishes, or that a resumed run knows as finished.
    """

    def __init__(self, plan: Plan, scratch: Scratch, *, budget: int, skip: Container[Index] = ()) -> None:
        self._plan = plan
        self._scratch = scratch
        self._budget = budget
        self._skip = skip
        self._buffers = Buffers()
        self._chunks: dict[Index, _Chunk] = {}
        self._touches: list[dict[int, tuple[_Touch, ...]]] = [{} for _ in plan.grids]
        self.held_bytes = 0
        """Bytes that are in memory now."""

    def add(self, weighted: torch.Tensor, index: Index) -> Iterator[tuple[Index, TiledSums]]:
        r"""Add one patch; yield the chunks that it finishes.

        Parameters
        ----------
        weighted : torch.Tensor
            (class, \*patch) float32, already multiplied by the window. It is read before this returns.
        index : tuple of int
            The patch's index in the plan; each must come once.

        Yields
        ------
        index : tuple of int
            Index of a finished output chunk.
        sums : TiledSums
            Its sums; the caller owns them, and may hand them back with `recycle`.
        """
        touches = [self._touching(axis, i) for axis, i in enumerate(index)]
        met = [(chunk, t, chunk.place(index)) for t in itertools.product(*touches) if (chunk := self._chunk(t))]
        self._make_room(weighted, met)
        for chunk, touch, place in met:
            if place != chunk.added:
                self._keep(chunk, place, weighted[(slice(None), *(slice(t.lo, t.hi) for t in touch))])
                continue
            self._add(self._fetch(chunk, weighted), chunk, weighted, touch)
            while chunk.added in chunk.early:
                self._add_early(chunk, weighted)
            if chunk.added == chunk.total:
                yield chunk.index, self._release(chunk)

    def recycle(self, sums: TiledSums) -> None:
        """Take back finished sums that nobody looks at any more, from any thread: their memory serves the next ones."""
        self._buffers.give(sums.flat)

    def _touching(self, axis: int, patch: int) -> tuple[_Touch, ...]:
        """Return the chunks along an axis that a patch touches; computed once for each patch along the axis."""
        known = self._touches[axis]
        if patch not in known:
            known[patch] = tuple(self._touch(axis, patch))
        return known[patch]

    def _touch(self, axis: int, patch: int) -> Iterator[_Touch]:
        plan, (lo, hi) = self._plan, self._plan.grids[axis].interval(patch)
        for chunk in plan.chunks_along(axis, lo, hi):
            start = plan.output_box.start[axis] + chunk * plan.chunk[axis]
            stop = min(start + plan.chunk[axis], plan.output_box.stop[axis])
            a, b = max(lo, start), min(hi, stop)
            cuts = tile_cuts(stop - start, len(plan.grids))
            yield _Touch(chunk, a - lo, b - lo, spans(cuts, a - start, b - start, lo - start))

    def _chunk(self, touch: tuple[_Touch, ...]) -> _Chunk | None:
        index = tuple([t.chunk for t in touch])
        if index not in self._chunks:
            if index in self._skip:
                return None
            box = self._plan.chunk_box(index)
            patches = self._plan.touching(box)
            cuts = tuple(tile_cuts(n, len(index)) for n in box.shape)
            self._chunks[index] = _Chunk(index, patches, math.prod(map(len, patches)), cuts)
        return self._chunks[index]

    def _fetch(self, chunk: _Chunk, like: torch.Tensor) -> TiledSums:
        """Return the sums of a chunk, from scratch or new where they are not in memory."""
        if chunk.sums is None:
            voxels = math.prod(cut[-1] for cut in chunk.cuts)
            flat = self._buffers.take(like.shape[0] * voxels, like.device)
            if chunk.spilled:
                self._scratch.load_into(chunk.index, flat)
                chunk.spilled = False
            else:
                flat.zero_()
            chunk.sums = TiledSums(like.shape[0], chunk.cuts, flat)
            self.held_bytes += chunk.sums.nbytes
        return chunk.sums

    @staticmethod
    def _add(sums: TiledSums, chunk: _Chunk, patch: torch.Tensor, touch: tuple[_Touch, ...]) -> None:
        """Add what a patch has for a chunk, tile by tile."""
        for axes in itertools.product(*(t.spans for t in touch)):
            number = 0
            for (i, _, _), cut in zip(axes, chunk.cuts, strict=True):
                number = number * (len(cut) - 1) + i
            target = sums.tiles[number][(slice(None), *[here for _, here, _ in axes])]
            target += patch[(slice(None), *[there for _, _, there in axes])]
        chunk.added += 1

    def _keep(self, chunk: _Chunk, place: int, part: torch.Tensor) -> None:
        """Let a patch's part of a chunk wait for its turn."""
        chunk.early[place] = part.clone()
        self.held_bytes += 4 * part.numel()

    def _add_early(self, chunk: _Chunk, like: torch.Tensor) -> None:
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
        self._add(self._fetch(chunk, like), chunk, part, tuple(map(_from_start, touch)))

    def _release(self, chunk: _Chunk) -> TiledSums:
        sums, chunk.sums = chunk.sums, None
        if sums is None:
            raise RuntimeError("a chunk without sums cannot be finished")
        del self._chunks[chunk.index]
        self.held_bytes -= sums.nbytes
        return sums

    def _make_room(self, weighted: torch.Tensor, met: list[tuple[_Chunk, tuple[_Touch, ...], int]]) -> None:
        """Move what is needed last to scratch, but no sums that this patch adds to."""
        voxels = 0
        for chunk, touch, place in met:
            if place != chunk.added:
                voxels += math.prod(t.hi - t.lo for t in touch)
            elif chunk.sums is None:
                voxels += math.prod(cut[-1] for cut in chunk.cuts)
        wanted = 4 * weighted.shape[0] * voxels
        if self.held_bytes + wanted <= self._budget:
            return
        goal = self._budget - self._budget // _SLACK - wanted
        needed = {chunk.index for chunk, _, place in met if place == chunk.added}
        for chunk in sorted(self._chunks.values(), key=lambda c: c.patch(c.added), reverse=True):
            if self.held_bytes <= goal:
                return
            self._spill(chunk, sums=chunk.index not in needed)

    def _spill(self, chunk: _Chunk, *, sums: bool) -> None:
        for place, part in chunk.early.items():
            if part is not None:
                self._scratch.save((*chunk.index, place), part)
                self.held_bytes -= 4 * part.numel()
                chunk.early[place] = None
        if sums and chunk.sums is not None:
            self._scratch.save(chunk.index, chunk.sums.flat)
            self.held_bytes -= chunk.sums.nbytes
            self._buffers.give(chunk.sums.flat)
            chunk.sums, chunk.spilled = None, True


def _from_start(touch: _Touch) -> _Touch:
    """Return the same for a patch that is cut to what the chunk needs of it."""
    spans = tuple((i, here, slice(there.start - touch.lo, there.stop - touch.lo)) for i, here, there in touch.spans)
    return replace(touch, spans=spans)
