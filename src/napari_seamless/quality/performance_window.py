"""The blending window that follows from patch performance: where the network errs less, it has more to say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import torch

from napari_seamless.errors import NoPatchesError, SettingsError
from napari_seamless.types import Window

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InverseError:
    """How weights follow from errors.

    Parameters
    ----------
    smoothing : float
        Standard deviation of the gaussian that smooths the map, as a part of the patch size; 0 for none.
    floor : float
        Smallest weight as a part of the largest, in (0, 1]: no voxel of a patch loses its say.
    power : float
        Weights are the inverse error to this power, > 0. For patches that err independently, 1 is best for squared
        errors and 2 for deviations; the more their errors have in common, the more is left to the best of them, as a
        larger power does.
    symmetric : bool
        Whether the map is made equal to its mirror images along every axis, which averages out chance.
    separable_within : float
        Largest relative difference (root of the mean square) between the weights and a product of one factor per axis
        that may stand for them; 0 keeps every weight.

    Raises
    ------
    SettingsError
        A value is out of its range.

    Examples
    --------
    >>> performance_window([0.2, 0.1, 0.2], fit=InverseError(smoothing=0)).factors[0].round(3).tolist()
    [0.25, 1.0, 0.25]
    """

    smoothing: float = 1 / 32
    floor: float = 1e-3
    power: float = 2.0
    symmetric: bool = True
    separable_within: float = 0.05

    def __post_init__(self) -> None:
        if not (self.smoothing >= 0 and 0 < self.floor <= 1 and 0 < self.power < np.inf and self.separable_within >= 0):
            raise SettingsError(
                "Weights from errors need smoothing and separable_within of 0 or more, floor in (0, 1] and power above "
                f"0, got {self.smoothing:g}, {self.separable_within:g}, {self.floor:g} and {self.power:g}; "
                "try InverseError()."
            )


def performance_window(error: Any, count: Any = None, fit: InverseError | None = None) -> Window:
    r"""Turn a map of errors by patch coordinate into a blending window.

    Parameters
    ----------
    error : array-like
        (\*patch) mean error, 0 or more, such as `PatchPerformance.mean`; NaN where nothing was seen. Average a map with
        an axis of classes over it first.
    count : array-like, optional
        (\*patch) how many values the error is the mean of; the same for all unless given.
    fit : InverseError, optional
        Smoothing, floor, power, symmetry, and when factors may stand for the weights.

    Returns
    -------
    Window
        Of factors where they are close enough, else of one weight for each voxel; the largest weight is about 1.

    Raises
    ------
    NoPatchesError
        Nothing was seen anywhere.
    SettingsError
        Error and count differ in shape, or hold values that are negative or infinite.

    Examples
    --------
    >>> window = performance_window([[0.2, 0.1, 0.2]] * 2, fit=InverseError(smoothing=0, power=1))
    >>> window.kind, [factor.round(3).tolist() for factor in window.factors]
    ('factors', [[1.0, 1.0], [0.5, 1.0, 0.5]])
    """
    fit = fit or InverseError()
    weights = inverse_error(error, count, fit)
    factors, difference = separable_factors(weights)
    if 0 < fit.separable_within >= difference:
        return Window.from_factors(*factors)
    return Window.from_array(weights)


def inverse_error(error: Any, count: Any = None, fit: InverseError | None = None) -> Array:
    r"""Return the weight of every voxel of a patch: the inverse of the smoothed error.

    For independent errors the weighted mean with the least expected squared error has the inverse of each one's
    expected squared error as its weights.

    Parameters
    ----------
    error, count, fit
        As in `performance_window`.

    Returns
    -------
    numpy.ndarray
        (\*patch) float64 in [`floor`, 1], 1 where the error is smallest; all 1 where there is no error at all.

    Examples
    --------
    >>> inverse_error([0.4, 0.1, 0.0], fit=InverseError(smoothing=0, symmetric=False, floor=0.125, power=1))
    array([0.125, 0.5  , 1.   ])
    """
    fit = fit or InverseError()
    total, seen = _sums(error, count)
    if fit.symmetric:
        total, seen = _mirrored(total), _mirrored(seen)
    if fit.smoothing > 0:
        total, seen = _smoothed(total, fit.smoothing), _smoothed(seen, fit.smoothing)
    known = seen > 0
    mean = np.divide(total, seen, out=np.full(total.shape, total.sum() / seen.sum()), where=known)
    largest = mean.max()
    if largest == 0:
        return np.ones(total.shape)
    held = np.maximum(mean, largest * fit.floor ** (1 / fit.power))
    weights: Array = (held.min() / held) ** fit.power
    return weights


def separable_factors(weights: Array) -> tuple[list[Array], float]:
    r"""Return the factors whose product is closest to the weights, and how close it is.

    Least squares of the logarithms has a closed form, and factors above 0: the geometric means over all other axes.

    Parameters
    ----------
    weights : numpy.ndarray
        (\*patch) float64, > 0.

    Returns
    -------
    factors : list of numpy.ndarray
        One for each axis, float64; the largest of each is 1, but for the first, which holds the scale.
    difference : float
        Root of the mean squared relative difference between the product and the weights.

    Examples
    --------
    >>> factors, difference = separable_factors(np.outer([1.0, 3.0], [2.0, 4.0]))
    >>> [factor.round(6).tolist() for factor in factors], difference < 1e-12
    ([[4.0, 12.0], [0.5, 1.0]], True)
    """
    logs = np.log(weights)
    axes = range(logs.ndim)
    factors = [np.exp(logs.mean(axis=tuple(a for a in axes if a != axis)) - logs.mean()) for axis in axes]
    factors = [factor / factor.max() for factor in factors]
    product = reduce(np.multiply.outer, factors)
    factors[0] = factors[0] * np.exp((logs - np.log(product)).mean())
    difference = reduce(np.multiply.outer, factors) / weights - 1
    return factors, float(np.sqrt(np.mean(difference**2)))


def _sums(error: Any, count: Any) -> tuple[Array, Array]:
    """Return the sum and the number of errors at each coordinate, float64; 0 where nothing was seen."""
    mean = _copied(error)
    seen = np.ones(mean.shape) if count is None else _copied(count)
    if seen.shape != mean.shape or mean.ndim == 0:
        raise SettingsError(
            f"error and count must have the shape of a patch, got {mean.shape} and {seen.shape}; average maps of "
            "several classes first."
        )
    seen[np.isnan(mean)] = 0
    mean[seen == 0] = 0
    if not (np.isfinite(mean).all() and np.isfinite(seen).all() and (mean >= 0).all() and (seen >= 0).all()):
        raise SettingsError("error and count must be 0 or more and finite, got other values; choose another measure.")
    if not seen.any():
        raise NoPatchesError("There are no weights without errors; measure one patch at least.")
    return mean * seen, seen


def _copied(values: Any) -> Array:
    """Return a copy in the host's memory."""
    copy: Array = torch.as_tensor(values, dtype=torch.float64, device="cpu").detach().numpy().copy()
    return copy


def _mirrored(values: Array) -> Array:
    """Return the mean of an array and its mirror images."""
    for axis in range(values.ndim):
        values = (values + np.flip(values, axis)) / 2
    return values


def _smoothed(values: Array, part: float) -> Array:
    """Return the convolution with a gaussian, cut at four standard deviations; beyond its faces a map is mirrored."""
    for axis, n in enumerate(values.shape):
        radius = int(4 * part * n + 0.5)
        kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / (part * n)) ** 2)
        margins = [(radius * (a == axis),) * 2 for a in range(values.ndim)]
        padded = np.moveaxis(np.pad(values, margins, mode="symmetric"), axis, 0)
        shifted = [weight * padded[i : i + n] for i, weight in enumerate(kernel / kernel.sum())]
        values = np.moveaxis(reduce(np.add, shifted), 0, axis)
    return values
