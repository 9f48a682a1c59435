"""Which voxels touch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def neighbour_steps(connectivity: int, *, forward: bool) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the steps from a voxel to its neighbours.

    Parameters
    ----------
    connectivity : int
        Axes along which neighbours may differ at once: 1 for faces, 2 for edges too, 3 for corners too.
    forward : bool
        Only those that come later in raster order: every pair of neighbours is met once.

    Returns
    -------
    numpy.ndarray
        (neighbour, 3) int64, axes z, y, x, in raster order.

    Examples
    --------
    >>> neighbour_steps(1, forward=True).tolist()
    [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    >>> [len(neighbour_steps(connectivity, forward=False)) for connectivity in (1, 2, 3)]
    [6, 18, 26]
    """
    steps = [
        step
        for step in itertools.product((-1, 0, 1), repeat=3)
        if 0 < np.count_nonzero(step) <= connectivity and (step > (0, 0, 0) or not forward)
    ]
    return np.array(steps, np.int64)
