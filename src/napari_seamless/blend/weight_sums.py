"""The sum of the window weights at each voxel, computed for one block at a time."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable
from functools import reduce
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_seamless.types import Box, Plan

FloatArray = np.ndarray[Any, np.dtype[np.float32]]
FactorOf = Callable[[int], np.ndarray[Any, np.dtype[np.float64]]]
WindowOf = Callable[[tuple[int, ...]], FloatArray]

_CACHED_BYTES = 64 * 2**20


class WeightSums:
    r"""Weight sums over boxes of a plan, without a weight volume.

    A grid is a Cartesian product. Where the window is a product too, the sum at a voxel is the product of three
    one-dimensional sums. Any other window is summed over the few patches that meet in the box; the result depends only
    on the offsets of those patches from the box, which repeat over a regular grid, so it is kept under that key.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.
    window_of : callable
        Patch shape to the (\\*shape) float32 weights of such a patch.
    axis_weights_of : callable or None
        Patch size to the (size,) float64 factor of a separable window; None where the window is not separable.

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
        self._cache: OrderedDict[tuple[Any, ...], FloatArray] = OrderedDict()
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
            box.shape, float32, 0 where no patch lies; summed in float64 in raster patch order. Do not write to it.
        """
        key = self._key(box)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        factor_of = self._axis_weights_of
        sums = self._general(box) if factor_of is None else self._separable(box, factor_of)
        with self._lock:
            self._cache[key] = sums
            while sum(block.nbytes for block in self._cache.values()) > _CACHED_BYTES:
                self._cache.popitem(last=False)
        return sums

    def _key(self, box: Box) -> tuple[Any, ...]:
        offsets = tuple(
            tuple((grid.starts[i] - lo, grid.sizes[i]) for i in touching)
            for grid, touching, lo in zip(self._plan.grids, self._plan.touching(box), box.start, strict=True)
        )
        return box.shape, offsets

    def _separable(self, box: Box, factor_of: FactorOf) -> FloatArray:
        sums = []
        for axis, (lo, hi) in enumerate(zip(box.start, box.stop, strict=True)):
            grid, total = self._plan.grids[axis], np.zeros(hi - lo)
            for i in grid.touching(lo, hi):
                start, stop = grid.interval(i)
                a, b = max(start, lo), min(stop, hi)
                total[a - lo : b - lo] += factor_of(stop - start)[a - start : b - start]
            sums.append(total)
        product: np.ndarray[Any, np.dtype[np.float64]] = reduce(np.multiply.outer, sums)
        return product.astype(np.float32)

    def _general(self, box: Box) -> FloatArray:
        total = np.zeros(box.shape)
        for index in itertools.product(*self._plan.touching(box)):
            patch = self._plan.patch_box(index)
            common = patch.intersect(box)
            weights = self._window_of(patch.shape)[common.within(patch.start).slices]
            total[common.within(box.start).slices] += weights
        return total.astype(np.float32)
