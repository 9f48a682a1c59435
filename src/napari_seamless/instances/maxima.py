"""Which maxima of the depth stand for an instance."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_ASKED = 512
"""Maxima whose neighbours are listed at once: bounds the memory."""


def separate_maxima(places: Array, heights: Array, component: Array, min_distance: float | None) -> Array:
    """Leave out maxima near a higher one of the same connected foreground.

    Of equally high ones the first counts as the higher. The highest of a component always counts, so that no
    component goes without.

    Parameters
    ----------
    places : numpy.ndarray
        (maximum, axis) float64, in physical units.
    heights : numpy.ndarray
        (maximum,) float32: depth, in the same units.
    component : numpy.ndarray
        (maximum,) int64: the connected foreground that it lies in.
    min_distance : float or None
        A maximum no farther from a higher one than this does not count; 0 keeps all. None: it does not count where it
        lies in the ball around a higher one that just fits into the foreground.

    Returns
    -------
    numpy.ndarray
        (maximum,) bool.

    Examples
    --------
    >>> places = np.array([[0.0], [4.0], [9.0]])
    >>> separate_maxima(places, np.float32([5, 3, 4]), np.zeros(3, int), None).tolist()
    [True, False, True]
    >>> separate_maxima(places, np.float32([5, 3, 4]), np.zeros(3, int), 3).tolist()
    [True, True, True]
    """
    from scipy.spatial import cKDTree

    n = len(heights)
    counts = np.ones(n, np.bool_)
    rank = np.empty(n, np.int64)
    rank[np.lexsort((np.arange(n), -heights))] = np.arange(n)
    tree = cKDTree(places)
    for start in range(0, n, _ASKED):
        asked = slice(start, min(start + _ASKED, n))
        reach = heights[asked].astype(np.float64) if min_distance is None else min_distance
        for i, near in enumerate(tree.query_ball_point(places[asked], reach), start):
            lower = np.array(near, np.int64)
            lower = lower[(rank[lower] > rank[i]) & (component[lower] == component[i])]
            counts[lower] = False
    return counts
