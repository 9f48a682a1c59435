"""Blend a box again from the predictions that are there, to the bytes of a run."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.engine.output import weight_sums
from napari_seamless.engine.threads import available_cores
from napari_seamless.plan import window_array
from napari_seamless.quality import seam_map
from napari_seamless.reduce import argmax_labels, mean_probabilities, threshold_labels

if TYPE_CHECKING:
    from napari_seamless.blend import WeightSums
    from napari_seamless.engine.tuning.predictions import Predictions
    from napari_seamless.engine.tuning.sampled import Sampled
    from napari_seamless.types import Box, Plan

Array = np.ndarray[Any, Any]
FloatArray = np.ndarray[Any, np.dtype[np.float32]]

_KEPT_PLANS = 32
_LINE = 16
"""Voxels that the memory hands over at once: fewer along the last axis are gathered once, and then used."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blended:
    r"""A box as a run would leave it.

    Parameters
    ----------
    box : Box
        Where it lies in the volume.
    probabilities : numpy.ndarray
        (class, \*box) float32, the weighted mean over the patches; 0 where there is none.
    labels : numpy.ndarray
        box, uint8 or uint16.
    seam : numpy.ndarray
        box, float32, see `seam_map`; empty where it was not asked for.
    patches : numpy.ndarray
        box, int32: how many patches of the setting cover a voxel.
    covered : numpy.ndarray
        box, bool: whether all of them were evaluated; elsewhere the others stand for them.
    every : int
        Of a preview, the arrays hold every so manieth voxel along each axis, from the first one of the box on.
    """

    box: Box
    probabilities: FloatArray
    labels: Array
    seam: FloatArray
    patches: Array
    covered: Array
    every: int = 1

    @property
    def complete(self) -> bool:
        """Whether every patch was there."""
        return bool(self.covered.all())


class Blender:
    """Blend boxes of a region.

    Parameters
    ----------
    predictions : Predictions
        What there is.
    region : Box
        What the predictions are cut to.
    threshold : float
        Above which the value of a network with one channel is foreground.
    """

    def __init__(self, predictions: Predictions, region: Box, threshold: float) -> None:
        self._predictions = predictions
        self._region = region
        self._threshold = threshold
        self._weights: OrderedDict[Plan, WeightSums] = OrderedDict()
        self._lock = Lock()

    def blend(
        self, plan: Plan, sampled: Sampled, classes: int, *, seam: bool = True, threads: int | None = None
    ) -> Blended:
        r"""Blend a box of the region.

        Contributions to a voxel are multiplied by the window and added in raster order of the patches, in float32, as
        a run does it: where all patches are there, the result has the bytes of the run.

        Parameters
        ----------
        plan : Plan
            Geometry of the setting.
        sampled : Sampled
            Voxels of the region.
        classes : int
            Channels that the network returns.
        seam : bool
            Whether to look for disagreement too, which takes twice as long.
        threads : int or None
            Tiles that are blended at once; None takes the processors there are.
        """
        sums = np.zeros((classes, *sampled.shape), np.float32)
        squares = np.zeros_like(sums) if seam else None
        missing: list[Box] = []

        def fill(tile: tuple[tuple[slice, ...], Sampled]) -> list[Box]:
            here = (slice(None), *tile[0])
            return self._add(plan, tile[1], sums[here], None if squares is None else squares[here])

        tiles = list(sampled.tiles())
        workers = min(len(tiles), threads or available_cores())
        if workers > 1:
            with ThreadPoolExecutor(workers, "seamless-blend") as pool:
                missing = list(itertools.chain.from_iterable(pool.map(fill, tiles)))
        else:
            missing = list(itertools.chain.from_iterable(map(fill, tiles)))
        return self._finished(plan, sampled, sums, squares, missing)

    def _add(self, plan: Plan, tile: Sampled, sums: FloatArray, squares: FloatArray | None) -> list[Box]:
        """Add every patch that is there to the sums of a tile; return those that are not."""
        missing: list[Box] = []
        window_of = _Windows(plan, gather=tile.shape[-1] < _LINE or tile.every > 1)
        buffer, gathered = np.empty(sums.size, np.float32), np.empty(sums.size, np.float32)
        for patch, touches in tile.touches(plan, self._region):
            values = self._predictions.get(patch)
            if values is None:
                missing.append(patch)
                continue
            here = (slice(None), *[t[1] for t in touches])
            part = values[(slice(None), *[t[2] for t in touches])]
            weighted = buffer[: part.size].reshape(part.shape)
            if window_of.gather:
                part = _copied(part, gathered)
            # multiply, then add: what is fused rounds differently
            np.multiply(part, window_of(patch.shape, tuple([t[3] for t in touches])), out=weighted)
            target = sums[here]
            target += weighted
            if squares is not None:
                weighted *= part
                target = squares[here]
                target += weighted
        return missing

    def _finished(
        self, plan: Plan, sampled: Sampled, sums: FloatArray, squares: FloatArray | None, missing: list[Box]
    ) -> Blended:
        box = sampled.box
        weights = self._weights_over(plan, box)[sampled.slices]
        covered = np.ones(box.shape, np.bool_)
        if missing:
            weights = self._weights_of_held(plan, sampled)
            for patch in dict.fromkeys(missing):
                covered[patch.intersect(box).within(box.start).slices] = False
        total = torch.from_numpy(sums)
        labels = argmax_labels(total) if len(sums) > 1 else threshold_labels(total, weights, self._threshold)
        means = mean_probabilities(total, weights)
        seam = np.empty(0, np.float32)
        if squares is not None:
            seam = seam_map(means, mean_probabilities(torch.from_numpy(squares), weights))
        return Blended(
            box=box,
            probabilities=means,
            labels=labels,
            seam=seam,
            patches=_count(plan, box)[sampled.slices],
            covered=covered[sampled.slices],
            every=sampled.every,
        )

    def _weights_of_held(self, plan: Plan, sampled: Sampled) -> FloatArray:
        """Return the sum of the weights of the patches that were evaluated."""
        weights = np.zeros(sampled.shape)
        for patch, touches in sampled.touches(plan, self._region):
            if patch in self._predictions:
                window = window_array(plan.window, patch.shape)[tuple([t[3] for t in touches])]
                weights[tuple([t[1] for t in touches])] += window
        return weights.astype(np.float32)

    def _weights_over(self, plan: Plan, box: Box) -> FloatArray:
        with self._lock:
            if plan not in self._weights:
                self._weights[plan] = weight_sums(plan)
                if len(self._weights) > _KEPT_PLANS:
                    self._weights.popitem(last=False)
            sums = self._weights[plan]
        return sums.over(box)


class _Windows:
    """Parts of a window.

    Parameters
    ----------
    plan : Plan
        Its window.
    gather : bool
        Whether to make parts contiguous and keep them: patches of a regular grid ask for the same few.
    """

    def __init__(self, plan: Plan, *, gather: bool) -> None:
        self._window = plan.window
        self.gather = gather
        self._kept: dict[tuple[tuple[int, ...], tuple[tuple[int, int, int], ...]], FloatArray] = {}

    def __call__(self, shape: tuple[int, ...], part: tuple[slice, ...]) -> FloatArray:
        """Return a part of the window of a patch."""
        if not self.gather:
            return window_array(self._window, shape)[part]
        key = (shape, tuple([(s.start, s.stop, s.step) for s in part]))
        if key not in self._kept:
            self._kept[key] = np.ascontiguousarray(window_array(self._window, shape)[part])
        return self._kept[key]


def _copied(part: FloatArray, buffer: FloatArray) -> FloatArray:
    copy = buffer[: part.size].reshape(part.shape)
    np.copyto(copy, part)
    return copy


def _count(plan: Plan, box: Box) -> Array:
    """Return how many patches cover each voxel: int32, box."""
    counts = []
    for grid, lo, hi in zip(plan.grids, box.start, box.stop, strict=True):
        along = np.zeros(hi - lo, np.int32)
        for a, b in map(grid.interval, grid.touching(lo, hi)):
            along[max(a, lo) - lo : min(b, hi) - lo] += 1
        counts.append(along)
    product: Array = counts[0]
    for along in counts[1:]:
        product = np.multiply.outer(product, along)
    return product
