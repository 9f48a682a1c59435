"""The sum of the window weights at each voxel, computed for one block at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_seamless.types import Box, Plan

FloatArray = np.ndarray[Any, np.dtype[np.float32]]
DoubleArray = np.ndarray[Any, np.dtype[np.float64]]
FactorOf = Callable[[int, int], DoubleArray]
WindowOf = Callable[[tuple[int, ...]], FloatArray]

_CACHED_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """An interval of an axis as its patches see it; one object for all intervals that look alike.

    Parameters
    ----------
    length : int
        Voxels.
    patches : tuple of (int, int)
        First voxel, counted from the interval's, and size of each patch that meets it.
    """

    length: int
    patches: tuple[tuple[int, int], ...]


_Key = tuple[_Line | int, ...]
"""What sums are over: along each axis an interval, or one patch of a size where nothing is summed yet."""


class WeightSums:
    r"""Weight sums over boxes of a plan, without a weight volume.

    A grid is a Cartesian product. Where the window is a product too, the sum at a voxel is the product of
    one-dimensional sums. Any other window is summed along one axis after the other, the longest patch edge first, so
    that all boxes that share an interval of the first axes share what was summed there. Intervals between which
    patches lie alike, such as most of a regular grid, share everything.

    The float64 sum of float32 weights is exact, and so the same in any order, while the sum is below 2^29 times the
    smallest weight; elsewhere the order of the axes is still the plan's alone. A voxel's sum never depends on the box.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.
    window_of : callable
        Patch shape to the (\\*shape) float32 weights of such a patch.
    axis_weights_of : callable or None
        Patch size and axis to the (size,) float64 factor of a separable window; None where it is not separable.

    Examples
    --------
    >>> from napari_seamless.plan import make_plan
    >>> from napari_seamless.types import Box
    >>> plan = make_plan((6,), 4, 0.5)
    >>> WeightSums(plan, lambda shape: np.ones(shape, np.float32)).over(Box((0,), (6,)))
    array([1., 1., 2., 2., 1., 1.], dtype=float32)
    """

    def __init__(
        self,
        plan: Plan,
        window_of: WindowOf,
        axis_weights_of: FactorOf | None = None,
    ) -> None:
        self._plan = plan
        self._window_of = window_of
        self._axis_weights_of = axis_weights_of
        self._order = sorted(range(len(plan.grids)), key=lambda axis: -plan.patch_size[axis])
        self._lines: list[dict[tuple[int, int], _Line]] = [{} for _ in plan.grids]
        self._unique: dict[tuple[int, tuple[tuple[int, int], ...]], _Line] = {}
        self._kept: OrderedDict[_Key, np.ndarray[Any, Any]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def over(self, box: Box) -> FloatArray:
        """Return the sum of weights over a box.

        Parameters
        ----------
        box : Box
            Part of the volume.

        Returns
        -------
        numpy.ndarray
            box.shape, float32, 0 where no patch lies; summed in float64 and rounded once. Do not write to it.
        """
        lines = tuple(self._line(*interval) for interval in enumerate(zip(box.start, box.stop, strict=True)))
        return self._sums(lines)

    def _line(self, axis: int, interval: tuple[int, int]) -> _Line:
        with self._lock:
            line = self._lines[axis].get(interval)
            if line is None:
                grid, (lo, hi) = self._plan.grids[axis], interval
                patches = tuple((grid.starts[i] - lo, grid.sizes[i]) for i in grid.touching(lo, hi))
                line = self._unique.setdefault((hi - lo, patches), _Line(hi - lo, patches))
                self._lines[axis][interval] = line
            return line

    def _sums(self, key: _Key) -> np.ndarray[Any, Any]:
        """Return float32 where the key has an interval along every axis, else float64; kept while there is room."""
        with self._lock:
            sums = self._kept.get(key)
            if sums is not None:
                self._kept.move_to_end(key)
                return sums
        sums = self._along_axes(key) if self._axis_weights_of is None else self._product(key, self._axis_weights_of)
        if not any(isinstance(line, int) for line in key):
            sums = sums.astype(np.float32)
        with self._lock:
            if key not in self._kept:
                self._bytes += sums.nbytes
            self._kept[key] = sums
            while self._bytes > _CACHED_BYTES:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return sums

    def _along_axes(self, key: _Key) -> DoubleArray:
        """Sum along the last axis in order that has an interval, over what is summed along those before it."""
        axis = next(axis for axis in reversed(self._order) if isinstance(key[axis], _Line))
        total = np.zeros([line.length if isinstance(line, _Line) else line for line in key])
        line, along = key[axis], (slice(None),) * axis
        for first, size in line.patches if isinstance(line, _Line) else ():
            sums = self._before((*key[:axis], size, *key[axis + 1 :]))
            lo, hi = max(0, first), min(total.shape[axis], first + size)
            total[(*along, slice(lo, hi))] += sums[(*along, slice(lo - first, hi - first))]
        return total

    def _before(self, key: _Key) -> np.ndarray[Any, Any]:
        sizes = tuple(size for size in key if isinstance(size, int))
        return self._window_of(sizes) if len(sizes) == len(key) else self._sums(key)

    def _product(self, key: _Key, factor_of: FactorOf) -> DoubleArray:
        along = [_along(line, factor_of, axis) for axis, line in enumerate(key) if isinstance(line, _Line)]
        product: DoubleArray = reduce(np.multiply.outer, along)
        return product


def _along(line: _Line, factor_of: FactorOf, axis: int) -> DoubleArray:
    total = np.zeros(line.length)
    for first, size in line.patches:
        lo, hi = max(0, first), min(line.length, first + size)
        total[lo:hi] += factor_of(size, axis)[lo - first : hi - first]
    return total
