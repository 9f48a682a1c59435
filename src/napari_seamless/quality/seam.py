"""Where overlapping patches disagree, which is where seams would show."""

from __future__ import annotations

from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.float32]]

_ROUNDING = 1e-6
"""Variance below which float32 sums cannot tell disagreement from their own rounding."""


def seam_map(means: FloatArray, squares: FloatArray) -> FloatArray:
    r"""Return how far the patches that cover a voxel are apart: the largest standard deviation of any class.

    The deviation is that of the patches' values around the blended one, each patch with the weight that the window
    gives it. A voxel that a single patch covers has none.

    Parameters
    ----------
    means : numpy.ndarray
        (class, \*space) float32, weighted mean of the patches.
    squares : numpy.ndarray
        (class, \*space) float32, weighted mean of their squares.

    Returns
    -------
    numpy.ndarray
        (\*space) float32 in the units of the means, 0 to 0.5 for probabilities; less than 0.001 counts as 0.

    Examples
    --------
    Two patches of the same weight say 0.2 and 0.6.

    >>> means, squares = np.array([[0.4]], np.float32), np.array([[0.2]], np.float32)
    >>> seam_map(means, squares).round(3)
    array([0.2], dtype=float32)
    """
    variance = np.max(squares - means * means, axis=0)
    seam: FloatArray = np.sqrt(np.where(variance > _ROUNDING, variance, 0)).astype(np.float32, copy=False)
    return seam


def seam_energy(seam: FloatArray, patches: np.ndarray[Any, Any]) -> float | None:
    r"""Return the mean of a seam map over the voxels where patches overlap.

    Parameters
    ----------
    seam : numpy.ndarray
        (\*space) float32, see `seam_map`.
    patches : numpy.ndarray
        (\*space) int, or what broadcasts to it: how many patches cover a voxel.

    Returns
    -------
    float or None
        None where no voxel is covered twice: nothing is known of seams then.

    Examples
    --------
    >>> seam_energy(np.array([0.0, 0.2, 0.4], np.float32), np.array([1, 2, 2]))
    0.3
    """
    overlapping = np.broadcast_to(patches > 1, seam.shape)
    n = int(np.count_nonzero(overlapping))
    return None if n == 0 else round(float(seam.sum(where=overlapping, dtype=np.float64)) / n, 7)
