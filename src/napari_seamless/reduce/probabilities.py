"""Mean network outputs from the class sums of a finished block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch


def mean_probabilities(sums: torch.Tensor, weights: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    r"""Divide the sums by the weights.

    Parameters
    ----------
    sums : torch.Tensor
        (class, \\*block) float32; overwritten where it lies in host memory.
    weights : numpy.ndarray
        block, float32: sum of the window weights, 0 where no patch lies.

    Returns
    -------
    numpy.ndarray
        (class, \\*block) float32; 0 where no patch lies.
    """
    means = sums.cpu().numpy()
    np.divide(means, weights, out=means, where=weights > 0)
    return means
