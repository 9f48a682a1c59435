"""The order of a run: batches of patches, and when a chunk is needed and finished."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from napari_seamless.types import Box, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def batches(plan: Plan) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield the patch indices of each forward pass, in raster order.

    A batch holds up to `plan.batch_size` patches of one size and never crosses a row of the slowest axis, so that it
    is the same batch wherever a run starts.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.

    Yields
    ------
    tuple of tuple of int
        Index per axis of every patch in the batch.
    """
    rest = [range(n) for n in plan.grid_shape[1:]]
    for row in range(plan.grid_shape[0]):
        indices = ((row, *index) for index in itertools.product(*rest))
        for _, group in itertools.groupby(indices, key=lambda index: plan.patch_box(index).shape):
            yield from _batched(group, plan.batch_size)


def _batched(items: Iterator[tuple[int, ...]], size: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Cut an iterator into tuples of at most `size` items, as `itertools.batched` does from Python 3.12 on."""
    while batch := tuple(itertools.islice(items, size)):
        yield batch


def last_touch(ranges: Sequence[range]) -> tuple[int, ...]:
    """Return the raster-last patch index in a product of index ranges."""
    return tuple(r[-1] for r in ranges)


def next_touch(ranges: Sequence[range], after: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the raster-first patch index in a product of index ranges that comes after `after`.

    Examples
    --------
    >>> next_touch([range(0, 2), range(3, 5)], (0, 4))
    (1, 3)
    """
    first = tuple(r[0] for r in ranges)
    for axis in reversed(range(len(ranges))):
        head = after[:axis]
        if all(i in r for i, r in zip(head, ranges, strict=False)):
            step = max(after[axis] + 1, ranges[axis][0])
            if step <= ranges[axis][-1]:
                return (*head, step, *first[axis + 1 :])
    return None


def uncovered_chunks(plan: Plan) -> Iterator[tuple[int, ...]]:
    """Yield the output chunks that no patch touches; only the border mode ``crop`` leaves any."""
    if plan.border != "crop":
        return
    for index in itertools.product(*(range(n) for n in plan.chunk_grid)):
        if any(len(r) == 0 for r in plan.touching(plan.chunk_box(index))):
            yield index


def covered_box(plan: Plan) -> Box:
    """Return the part of the volume that patches cover: all of it but for the border mode ``crop``."""
    return Box((0,) * len(plan.grids), tuple(min(grid.interval(len(grid) - 1)[1], grid.length) for grid in plan.grids))
