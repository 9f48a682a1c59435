"""Blocks of output chunks, the tasks of a cluster."""

from __future__ import annotations

import itertools
import math
from collections.abc import Container
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_seamless.types import Box, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A block of output chunks that one task finishes.

    Parameters
    ----------
    start, stop : tuple of int
        First chunk index per axis, and the one after the last.
    """

    start: Index
    stop: Index

    def __contains__(self, index: object) -> bool:
        return isinstance(index, tuple) and all(
            a <= i < b for a, i, b in zip(self.start, index, self.stop, strict=True)
        )

    def __iter__(self) -> Iterator[Index]:
        return itertools.product(*(range(a, b) for a, b in zip(self.start, self.stop, strict=True)))

    def box(self, plan: Plan) -> Box:
        """Return the voxels of the volume under the part."""
        return Box(plan.chunk_box(self.start).start, plan.chunk_box(tuple(i - 1 for i in self.stop)).stop)


@dataclass(frozen=True, slots=True)
class Outside(Container[Index]):
    """The chunks that a task must not touch: those of other parts, and those that are finished."""

    part: Part
    done: frozenset[Index]

    def __contains__(self, index: object) -> bool:
        return index not in self.part or index in self.done


def whole(plan: Plan) -> Part:
    """Return all chunks of the output as one part."""
    return Part((0,) * len(plan.grids), plan.chunk_grid)


def split(plan: Plan, tasks: int, unit: tuple[int, ...] | None = None) -> tuple[Part, ...]:
    """Cut the output into about `tasks` parts, across the slowest axes first: there the halos are the fewest.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.
    tasks : int
        Parts wanted.
    unit : tuple of int or None
        Voxels of what is stored whole, such as a shard: no part ends inside one. None: a chunk.

    Examples
    --------
    >>> from napari_seamless.plan import make_plan
    >>> [(part.start, part.stop) for part in split(make_plan((256, 64), 64), 2)]
    [((0, 0), (2, 1)), ((2, 0), (4, 1))]
    """
    cuts, wanted = [], tasks
    for n, chunk, voxels in zip(plan.chunk_grid, plan.chunk, unit or plan.chunk, strict=True):
        chunks = max(1, voxels // chunk)
        units = -(-n // chunks)
        pieces = min(units, wanted)
        wanted = -(-wanted // pieces)
        cuts.append([min(n, units * i // pieces * chunks) for i in range(pieces + 1)])
    intervals = [list(itertools.pairwise(cut)) for cut in cuts]
    return tuple(
        Part(tuple(a for a, _ in chosen), tuple(b for _, b in chosen)) for chosen in itertools.product(*intervals)
    )


def halo_patches(plan: Plan, parts: tuple[Part, ...]) -> int:
    """Return how many evaluations more than one for each patch the parts need, where a batch is one patch."""
    boxes = (part.box(plan) for part in parts)
    return sum(math.prod(map(len, plan.touching(box))) for box in boxes) - plan.n_patches
