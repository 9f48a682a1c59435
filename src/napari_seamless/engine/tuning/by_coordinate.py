"""The error of the network by the coordinate in its patch, from predictions that are not blended."""

from __future__ import annotations

import itertools
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.errors import SettingsError
from napari_seamless.quality import InverseError, PatchPerformance, performance_window
from napari_seamless.quality.measures import RATIOS
from napari_seamless.quality.ratio import stacked
from napari_seamless.quality.torch_measures import errors_of

if TYPE_CHECKING:
    from napari_seamless.engine.tuning.predictions import Predictions
    from napari_seamless.types import Box, Plan, Window

Array = np.ndarray[Any, Any]


class PerformanceByCoordinate:
    """Compares patches with the labels under them, each once, as they are evaluated.

    Parameters
    ----------
    plan : Plan
        Geometry of the setting; patches of another size than the nominal one are left out.
    region : Box
        Where labels and predictions are.
    labels : numpy.ndarray
        region, integers: the truth, or what stands for it.
    measure : str
        See `PatchPerformance`. Those that are a ratio of sums count only patches that lie in the region as a whole;
        for the others each voxel in the region counts.
    """

    def __init__(self, plan: Plan, region: Box, labels: Array, measure: str) -> None:
        self.plan, self.labels, self.measure = plan, labels, measure
        self._region = region
        self._performance = PatchPerformance(measure)
        self._counted: set[Box] = set()
        self._lock = Lock()

    def of(self, predictions: Predictions) -> PatchPerformance:
        """Count the patches that are new, and return what is known of all.

        Parameters
        ----------
        predictions : Predictions
            What the network returned so far.

        Returns
        -------
        PatchPerformance
            A copy, which later patches do not change.

        Raises
        ------
        SettingsError
            No patch can be counted, or the measure does not fit the network.
        """
        with self._lock:
            for index in itertools.product(*self.plan.touching(self._region)):
                patch = self.plan.patch_box(index)
                if patch.shape == self.plan.patch_size and patch not in self._counted:
                    self._count(patch, predictions.get(patch))
            if self._performance.n_patches_seen == 0:
                raise SettingsError(
                    f"No patch of {self.plan.patch_size} can be measured by {self.measure} in the region from "
                    f"{self._region.start} to {self._region.stop}; evaluate a candidate first, or choose a region that "
                    "holds a whole patch."
                )
            known = PatchPerformance(self.measure)
            known.merge(self._performance)
        return known

    def _count(self, patch: Box, values: Array | None) -> None:
        """Add a patch that was evaluated."""
        if values is None:
            return
        common = patch.intersect(self._region)
        truth = self.labels[common.within(self._region.start).slices].astype(np.int64)
        prediction, target = torch.from_numpy(values.copy())[None], torch.from_numpy(truth)[None]
        if common == patch:
            self._performance.observe(prediction, target)
        elif self.measure not in RATIOS:
            _add_part(self._performance, prediction, target, common.within(patch.start), patch.shape)
        self._counted.add(patch)


def window_by_coordinate(performance: PatchPerformance, axes: int, fit: InverseError | None = None) -> Window:
    """Return the window that follows from a map; of a map with an axis of classes the mean over them counts."""
    mean, count = performance.mean, performance.count
    while mean.ndim > axes:
        mean, count = mean.mean(dim=0), count.sum(dim=0)
    return performance_window(mean, count, fit)


def _add_part(
    performance: PatchPerformance, prediction: torch.Tensor, target: torch.Tensor, part: Box, shape: tuple[int, ...]
) -> None:
    """Add what a patch that reaches beyond the region has inside it."""
    error, known = stacked(errors_of(performance.measure, prediction, target))
    leading = error.shape[: error.ndim - len(shape)]
    whole = torch.zeros((*leading, *shape), dtype=error.dtype)
    where = torch.zeros((*leading, *shape), dtype=torch.bool)
    here: Any = (..., *part.slices)
    whole[here] = error
    where[here] = True if known is None else known
    performance.add(whole, where)
