"""Labels from the class sums of a finished block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    FloatArray = np.ndarray[Any, np.dtype[np.float32]]


def label_dtype(n_classes: int) -> np.dtype[Any]:
    """Return the smallest unsigned integer type that holds every label.

    Examples
    --------
    >>> label_dtype(3)
    dtype('uint8')
    """
    return np.dtype(np.uint8 if n_classes <= 256 else np.uint16)


def argmax_labels(sums: torch.Tensor) -> np.ndarray[Any, Any]:
    r"""Return the class with the largest sum at each voxel; the first one where several are equal.

    The sums need no division by the weights: the class that is largest in the sum is largest in the mean. Voxels that
    no patch covers have sums of 0 and become class 0.

    Parameters
    ----------
    sums : torch.Tensor
        (class, \\*block) float32.

    Returns
    -------
    numpy.ndarray
        block, uint8 or uint16.

    Examples
    --------
    >>> import torch
    >>> argmax_labels(torch.tensor([[0.2, 0.7], [0.8, 0.3]]))
    array([1, 0], dtype=uint8)
    """
    if sums.device.type != "cpu":
        return _to_host(sums.argmax(dim=0), label_dtype(len(sums)))
    # class by class: an argmax over the first of many axes strides through all of memory for every voxel
    values = sums.numpy()
    best = values[0].copy()
    labels = np.zeros(best.shape, dtype=label_dtype(len(values)))
    for label in range(1, len(values)):
        higher = values[label] > best
        # labels only rise from class to class, so a maximum does what a masked assignment does, ten times faster
        np.maximum(labels, higher.view(np.uint8) * labels.dtype.type(label), out=labels)
        if label + 1 < len(values):
            np.maximum(best, values[label], out=best)
    return labels


def threshold_labels(sums: torch.Tensor, weights: FloatArray, threshold: float) -> np.ndarray[Any, Any]:
    r"""Return 1 where the mean of a one-class network exceeds a threshold, else 0.

    Parameters
    ----------
    sums : torch.Tensor
        (1, \\*block) float32.
    weights : numpy.ndarray
        block, float32: sum of the window weights; 0 where no patch lies, which gives 0.
    threshold : float
        In the units of the network's output.

    Returns
    -------
    numpy.ndarray
        block, uint8.
    """
    limit = np.float32(threshold) * weights
    if sums.device.type == "cpu":
        above = sums[0].numpy() > limit
    else:
        above = (sums[0] > torch.tensor(limit, device=sums.device)).cpu().numpy()
    if threshold < 0:
        above &= weights > 0
    return above.view(np.uint8)


def _to_host(labels: torch.Tensor, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Bring labels to host memory in a small type: what int64 holds would take eight times as long."""
    small = torch.uint8 if dtype == np.uint8 else torch.int32
    return labels.to(small).cpu().numpy().astype(dtype, copy=False)
