"""What the patches cover of the output."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from napari_seamless.types import Box, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator


def uncovered_chunks(plan: Plan) -> Iterator[tuple[int, ...]]:
    """Yield the output chunks that no patch touches; only the border mode ``crop`` leaves any."""
    if plan.border != "crop":
        return
    for index in itertools.product(*(range(n) for n in plan.chunk_grid)):
        if any(len(r) == 0 for r in plan.touching(plan.chunk_box(index))):
            yield index


def covered_box(plan: Plan) -> Box:
    """Return the part of the output that patches cover: all of it but for the border mode ``crop``."""
    ends = tuple(grid.interval(len(grid) - 1)[1] for grid in plan.grids)
    return plan.output_box.intersect(Box((0,) * len(ends), ends))
