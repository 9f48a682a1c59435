"""How well a result agrees with labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from napari_seamless.errors import VolumeError

_SLAB_VOXELS = 2**24


def dice(found: Any, truth: Any) -> float:
    """Return the Dice score of each label but 0, averaged over those that either array has.

    Parameters
    ----------
    found, truth : array-like
        Labels of the same shape, read plane by plane.

    Returns
    -------
    float
        0..1; 1 where both are empty.

    Raises
    ------
    VolumeError
        The shapes differ.

    Examples
    --------
    >>> dice(np.array([0, 1, 1]), np.array([0, 0, 1])) == 2 / 3
    True
    """
    if tuple(found.shape) != tuple(truth.shape):
        raise VolumeError(
            f"The labels have shape {tuple(truth.shape)} and the result {tuple(found.shape)}; "
            "choose labels of this volume."
        )
    sizes, common = np.zeros(256, np.int64), np.zeros(256, np.int64)
    planes = max(1, _SLAB_VOXELS // max(1, math.prod(found.shape[1:])))
    for low in range(0, found.shape[0], planes):
        one, other = (np.asarray(a[low : low + planes]).astype(np.uint8).ravel() for a in (found, truth))
        sizes += np.bincount(one, minlength=256) + np.bincount(other, minlength=256)
        common += np.bincount(one[one == other], minlength=256)
    there = np.flatnonzero(sizes[1:]) + 1
    return float(np.mean(2 * common[there] / sizes[there])) if len(there) else 1.0
