"""Which patches make a forward pass, by arithmetic alone."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_seamless.types import Plan

Index = tuple[int, ...]
Batch = tuple[Index, ...]


class Batches:
    """The forward passes of a plan, numbered in raster order; each holds patches of one size.

    A batch has its number and its patches whatever was finished before and wherever a run begins: the rounding of a
    network may depend on the batch that a patch is in. All patches of a regular grid form one sequence, cut every
    `batch_size` patches. Where the last patch along an axis is smaller, sequences end there.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.

    Examples
    --------
    >>> from napari_seamless.plan import make_plan
    >>> batches = Batches(make_plan((8, 8), 4, 0, batch_size=3))
    >>> len(batches), batches[1]
    (2, ((1, 1),))
    """

    def __init__(self, plan: Plan) -> None:
        self._shape = plan.grid_shape
        self._size = plan.batch_size
        self._runs = _runs(plan)
        self._line = sum(self._runs)
        self._per_run = [-(-run // self._size) for run in self._runs]
        self._per_line = sum(self._per_run)

    def __len__(self) -> int:
        """Return the number of batches of the whole grid."""
        return math.prod(self._shape) // self._line * self._per_line

    @overload
    def __getitem__(self, number: int) -> Batch: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[Batch]: ...

    def __getitem__(self, number: int | slice) -> Batch | Sequence[Batch]:
        """Return the patch indices of a batch."""
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(f"There are {len(self)} batches, got number {number}.")
        line, within = divmod(number, self._per_line)
        first = line * self._line
        for run, count in zip(self._runs, self._per_run, strict=True):
            if within < count:
                begin = within * self._size
                return tuple(self._index(first + i) for i in range(begin, min(begin + self._size, run)))
            within -= count
            first += run
        raise IndexError(number)

    def number(self, index: Index) -> int:
        """Return the number of the batch that a patch is in."""
        line, within = divmod(self._raster(index), self._line)
        number = line * self._per_line
        for run, count in zip(self._runs, self._per_run, strict=True):
            if within < run:
                return number + within // self._size
            within -= run
            number += count
        raise IndexError(index)

    def touching(self, ranges: Sequence[range]) -> Iterator[int]:
        """Yield the numbers of the batches with a patch in a product of index ranges per axis, each once, rising."""
        if not all(ranges):
            return
        after = -1
        for head in itertools.product(*ranges[:-1]):
            first = self.number((*head, ranges[-1][0]))
            last = self.number((*head, ranges[-1][-1]))
            yield from range(max(first, after + 1), last + 1)
            after = last

    def _raster(self, index: Index) -> int:
        raster = 0
        for i, n in zip(index, self._shape, strict=True):
            raster = raster * n + i
        return raster

    def _index(self, raster: int) -> Index:
        index = []
        for n in reversed(self._shape):
            raster, i = divmod(raster, n)
            index.append(i)
        return tuple(reversed(index))


def _runs(plan: Plan) -> tuple[int, ...]:
    """Return the lengths of the runs of equally large patches that repeat over the raster sequence."""
    tail = 1
    for grid in reversed(plan.grids):
        if grid.sizes[-1] != grid.sizes[0]:
            return ((len(grid) - 1) * tail, tail)
        tail *= len(grid)
    return (tail,)
