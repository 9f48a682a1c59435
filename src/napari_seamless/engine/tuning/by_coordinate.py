"""The error of the network by the coordinate in its patch, from predictions that are not blended."""

from __future__ import annotations

import itertools
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


def performance_by_coordinate(
    plan: Plan, region: Box, predictions: Predictions, labels: Array, measure: str
) -> PatchPerformance:
    r"""Compare each patch that was evaluated with the labels under it.

    Parameters
    ----------
    plan : Plan
        Geometry of the setting; patches of another size than the nominal one are left out.
    region : Box
        Where labels and predictions are.
    predictions : Predictions
        What the network returned.
    labels : numpy.ndarray
        region, integers: the truth, or what stands for it.
    measure : str
        See `PatchPerformance`. Those that are a ratio of sums count only patches that lie in the region as a whole;
        for the others each voxel in the region counts.

    Returns
    -------
    PatchPerformance

    Raises
    ------
    SettingsError
        No patch can be counted, or the measure does not fit the network.
    """
    performance = PatchPerformance(measure)
    for index in itertools.product(*plan.touching(region)):
        patch = plan.patch_box(index)
        values = predictions.get(patch)
        if values is None or patch.shape != plan.patch_size:
            continue
        common = patch.intersect(region)
        truth = labels[common.within(region.start).slices].astype(np.int64)
        prediction, target = torch.from_numpy(values.copy())[None], torch.from_numpy(truth)[None]
        if common == patch:
            performance.observe(prediction, target)
        elif measure not in RATIOS:
            _add_part(performance, prediction, target, common.within(patch.start), patch.shape)
    if performance.n_patches_seen == 0:
        raise SettingsError(
            f"No patch of {plan.patch_size} can be measured by {measure} in the region from {region.start} to "
            f"{region.stop}; evaluate a candidate first, or choose a region that holds a whole patch."
        )
    return performance


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
