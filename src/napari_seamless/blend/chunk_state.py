"""A chunk in flight, and what patches add to it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from napari_seamless.blend.tiles import Span, TiledSums

Index = tuple[int, ...]


@dataclass(slots=True)
class ChunkState:
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
    busy: bool = False
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
class Touch:
    """What a patch and a chunk share along one axis: voxels of the patch, and where they go in the chunk's tiles."""

    chunk: int
    lo: int
    hi: int
    spans: tuple[Span, ...]


def add_parts(parts: list[tuple[ChunkState, torch.Tensor, tuple[Touch, ...]]]) -> None:
    """Add what patches have for chunks, tile by tile."""
    targets, sources = [], []
    for chunk, patch, touch in parts:
        if chunk.sums is None:
            raise RuntimeError("the sums of a chunk must be in memory before a patch is added")
        for axes in itertools.product(*[t.spans for t in touch]):
            number = 0
            for (i, _, _), cut in zip(axes, chunk.cuts, strict=True):
                number = number * (len(cut) - 1) + i
            targets.append(chunk.sums.tiles[number][(slice(None), *[here for _, here, _ in axes])])
            sources.append(patch[(slice(None), *[there for _, _, there in axes])])
    if targets:
        # one call for all: other threads run meanwhile, and each call would have to wait for them to go on
        torch._foreach_add_(targets, sources)


def from_start(touch: Touch) -> Touch:
    """Return the same for a patch that is cut to what the chunk needs of it."""
    spans = tuple((i, here, slice(there.start - touch.lo, there.stop - touch.lo)) for i, here, there in touch.spans)
    return replace(touch, spans=spans)
