"""Mean network outputs from the class sums of a finished block, and how they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.errors import ModelError

if TYPE_CHECKING:
    FloatArray = np.ndarray[Any, np.dtype[np.float32]]

_ONE = 255
"""What stands for a probability of 1 in uint8."""

_LIMITS = {"uint8": (-0.5 / _ONE, 1 + 0.5 / _ONE), "float16": (-65504.0, 65504.0)}
"""Values that a type can hold; a blend of probabilities leaves [0, 1] by its rounding only, far below half a step."""

_SERIAL = 2**15
"""Values that torch converts without waking a team of threads."""


def mean_probabilities(sums: torch.Tensor, weights: FloatArray) -> FloatArray:
    r"""Divide the sums by the weights.

    Parameters
    ----------
    sums : torch.Tensor
        (class, \\*block) float32, 0 where no patch lies; overwritten where it lies in host memory.
    weights : numpy.ndarray
        block, float32: sum of the window weights, 0 where no patch lies.

    Returns
    -------
    numpy.ndarray
        (class, \\*block) float32; 0 where no patch lies.
    """
    means: FloatArray = sums.cpu().numpy()
    np.divide(means, _divisors(weights), out=means)
    return means


def stored_probabilities(sums: torch.Tensor, weights: FloatArray, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    r"""Divide the sums by the weights and round to the type that is stored.

    Parameters
    ----------
    sums : torch.Tensor
        (class, \\*block) float32, 0 where no patch lies; overwritten.
    weights : numpy.ndarray
        block, float32: sum of the window weights, 0 where no patch lies.
    dtype : numpy.dtype
        float32; float16; or uint8, which holds 0 to 1 as 0 to 255.

    Returns
    -------
    numpy.ndarray
        (class, \\*block) of `dtype`, each value rounded to the nearest that the type has; 0 where no patch lies.

    Raises
    ------
    ModelError
        A mean lies outside what the type can hold.

    Examples
    --------
    >>> sums, weights = torch.tensor([[0.5, 2.0]]), np.array([1, 2], np.float32)
    >>> stored_probabilities(sums, weights, np.dtype(np.uint8))
    array([[128, 255]], dtype=uint8)
    """
    if sums.device.type == "cpu":
        return _rounded(mean_probabilities(sums, weights), dtype)
    return _on_device(sums, weights, dtype)


def _rounded(means: FloatArray, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Round means in host memory; overwrites them."""
    if dtype == np.float32:
        return means
    low, high = float(means.min()), float(means.max())
    check_range(low, high, dtype)
    if dtype == np.float16:
        return _halved(means)
    if low < 0 or high > 1:
        np.clip(means, 0, 1, out=means)
    np.multiply(means, np.float32(_ONE), out=means)
    return np.rint(means, out=means).astype(np.uint8)


def _on_device(sums: torch.Tensor, weights: FloatArray, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Divide and round where the sums are, so that no more than the result moves; overwrites them."""
    means = sums.div_(torch.tensor(_divisors(weights), device=sums.device))
    if dtype != np.float32:
        low, high = means.aminmax()
        check_range(float(low), float(high), dtype)
    if dtype == np.float16:
        means = means.to(torch.float16)
    elif dtype == np.uint8:
        means = means.clamp_(0, 1).mul_(_ONE).round_().to(torch.uint8)
    return np.asarray(means.cpu().numpy())


def check_range(low: float, high: float, dtype: np.dtype[Any]) -> None:
    """Refuse values that a type cannot hold.

    Raises
    ------
    ModelError
        `low` or `high` lies outside: uint8 holds probabilities only, and infinity is no float16.
    """
    least, most = _LIMITS.get(dtype.name, (-np.inf, np.inf))
    if low < least or high > most:
        held = "probabilities from 0 to 1" if dtype == np.uint8 else f"values from {least:g} to {most:g}"
        raise ModelError(
            f"probability_dtype {dtype.name} holds {held}, but the network returned values from {low:g} to {high:g}; "
            "set activation to softmax or sigmoid if these are raw outputs, or probability_dtype to float32."
        )


def _divisors(weights: FloatArray) -> FloatArray:
    """Return the weights with 1 for 0: sums are 0 there too, and a division with a mask takes five times as long."""
    return weights if weights.min() > 0 else np.where(weights > 0, weights, np.float32(1))


def _halved(means: FloatArray) -> np.ndarray[Any, Any]:
    """Convert to float16 with torch, which is 20 times as fast as NumPy and rounds the same way."""
    halves = np.empty(means.shape, np.float16)
    source, target = means.reshape(-1), halves.reshape(-1)
    for start in range(0, source.size, _SERIAL):
        part = slice(start, start + _SERIAL)
        torch.from_numpy(target[part]).copy_(torch.from_numpy(source[part]))
    return halves
