"""Errors that are one sum over patches divided by another one: their mean and variance from three means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from napari_seamless.quality.measures import Errors
    from napari_seamless.quality.moments import Moments


def stacked(errors: Errors) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return what is added up for a batch of ratios.

    Parameters
    ----------
    errors : Errors
        With numerator and denominator, (batch, \\*map) each.

    Returns
    -------
    Tensor
        Numerator, denominator and their sum, (batch, 3, \\*map); the variance of the sum holds the covariance.
    Tensor or None
        Which of them count, bool, broadcastable.
    """
    values, where = errors.values, errors.where
    if errors.below is None:
        return values, where
    above, below = values.double(), errors.below.double()
    return torch.stack([above, below, above + below], dim=1), None if where is None else where.unsqueeze(1)


def ratio_mean(moments: Moments) -> torch.Tensor:
    """Return one sum over patches divided by the other, (\\*map); NaN where both are 0."""
    return moments.mean[0] / moments.mean[1]


def ratio_variance(moments: Moments) -> torch.Tensor:
    """Return the variance from patch to patch of what a patch adds to the ratio, to first order; (\\*map)."""
    of_above, of_below, of_both = (moments.m2 / moments.count.clamp(min=1)).unbind()
    ratio = ratio_mean(moments)
    covariance = (of_both - of_above - of_below) / 2
    variance = of_above - 2 * ratio * covariance + ratio.square() * of_below
    return (variance / moments.mean[1].square()).clamp(min=0)
