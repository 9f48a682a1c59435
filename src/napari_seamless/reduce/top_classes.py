"""The most probable classes of each voxel, with their probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.errors import SettingsError
from napari_seamless.reduce.labels import label_dtype
from napari_seamless.reduce.probabilities import stored_probabilities

if TYPE_CHECKING:
    FloatArray = np.ndarray[Any, np.dtype[np.float32]]

_EXACT = {"uint8": 256, "float16": 2048, "float32": 2**24}
"""Classes whose numbers a type holds exactly."""


def top_classes(sums: torch.Tensor, weights: FloatArray, k: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    r"""Return the numbers of the `k` classes with the largest means, then these means.

    Of classes that are equal the first one comes first, so the first channel holds the labels of `argmax_labels`.

    Parameters
    ----------
    sums : torch.Tensor
        (class, \\*block) float32, 0 where no patch lies; overwritten.
    weights : numpy.ndarray
        block, float32: sum of the window weights, 0 where no patch lies.
    k : int
        From 1 to the number of classes.
    dtype : numpy.dtype
        float32, float16 or uint8, for numbers of classes as they are and for means as in `stored_probabilities`.

    Returns
    -------
    numpy.ndarray
        (2 k, \\*block) of `dtype`: classes from the most probable on, then their means; 0 where no patch lies.

    Raises
    ------
    ModelError
        A mean lies outside what the type can hold.

    Examples
    --------
    >>> sums, weights = torch.tensor([[0.2], [0.5], [0.3]]), np.ones(1, np.float32)
    >>> top_classes(sums, weights, 2, np.dtype(np.float16)).ravel()
    array([1. , 2. , 0.5, 0.3], dtype=float16)
    """
    result = np.empty((2 * k, *weights.shape), dtype)
    largest, best = (_on_host if sums.device.type == "cpu" else _on_device)(sums, k)
    result[:k] = largest
    if k > 1 and weights.min() == 0:
        result[:k, weights == 0] = 0
    result[k:] = stored_probabilities(best, weights, dtype)
    return result


def check_top_classes(k: int, n_classes: int, dtype: np.dtype[Any]) -> None:
    """Refuse more classes than the network has, or than the type can number.

    Raises
    ------
    SettingsError
        The text says what to choose.
    """
    if n_classes == 1:
        raise SettingsError(
            "write top_classes compares the channels of a network, but this one returns a single channel; "
            "write probabilities instead."
        )
    if k > n_classes:
        raise SettingsError(
            f"top_k must be at most the number of classes, got {k} for a network with {n_classes}; "
            f"choose {n_classes} or less."
        )
    if n_classes > _EXACT[dtype.name]:
        raise SettingsError(
            f"probability_dtype {dtype.name} numbers at most {_EXACT[dtype.name]} classes in top_classes, but the "
            f"network has {n_classes}; choose {'float16' if n_classes <= _EXACT['float16'] else 'float32'}."
        )


def _on_host(sums: torch.Tensor, k: int) -> tuple[np.ndarray[Any, Any], torch.Tensor]:
    """Return (k, block) classes and (k, block) sums in host memory: each class is sorted into those before it."""
    values: FloatArray = sums.numpy()
    shape, dtype = (k, *values.shape[1:]), label_dtype(len(values))
    largest, best = np.zeros(shape, dtype), np.full(shape, -np.inf, np.float32)
    for label, value in enumerate(values):
        moved = np.full(value.shape, label, dtype)
        shifted = np.zeros(value.shape, bool)
        for rank in range(min(k, label + 1)):
            # what was moved down from its rank stands before its equals further down: its class is a lower one
            shifted |= value > best[rank]
            swap = (largest[rank] ^ moved) * shifted.view(np.uint8)
            largest[rank] ^= swap
            moved ^= swap
            lower = np.minimum(best[rank], value)
            np.maximum(best[rank], value, out=best[rank])
            value = lower  # noqa: PLW2901  what goes on to the next rank
    return largest, torch.from_numpy(best)


def _on_device(sums: torch.Tensor, k: int) -> tuple[np.ndarray[Any, Any], torch.Tensor]:
    """Return (k, block) classes in host memory and (k, block) sums where they are."""
    largest, best = [], []
    for _ in range(k):
        value, label = sums.max(dim=0, keepdim=True)
        sums.scatter_(0, label, float("-inf"))
        largest.append(label)
        best.append(value)
    return torch.cat(largest).to(torch.int32).cpu().numpy(), torch.cat(best)
