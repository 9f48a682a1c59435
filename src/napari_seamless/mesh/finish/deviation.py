"""How far the vertices of a surface are from another one that it was simplified to."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_AT_ONCE = 1024
"""Points whose true distance is found at once."""


def deviation(points: Array, near: Array, vertices: Array, triangles: Array) -> float:
    """Return the largest distance of points to a surface.

    All points look for the surface around a vertex that is given, which is quick and finds the nearest triangle, or one
    that is farther. Then the true distance is found of those that seem to be the farthest, until no other seems to be.

    Parameters
    ----------
    points : numpy.ndarray
        (point, 3) float64.
    near : numpy.ndarray
        (point,) integers: a vertex of the surface near each point.
    vertices, triangles : numpy.ndarray
        The surface.

    Returns
    -------
    float
        In the units of the points.

    Examples
    --------
    >>> corners = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    >>> deviation(np.array([[2, 0.2, 0.2], [0, 0, 0]]), np.array([1, 0]), corners, np.int32([[0, 1, 2]]))
    2.0
    """
    from napari_seamless.mesh.finish.deviation_kernels import around_vertices, walk_nearer
    from napari_seamless.mesh.finish.tree_kernels import lower_squares, new_tree

    neighbourhood = around_vertices(triangles, len(vertices))
    squares = np.full(len(points), np.inf)
    walk_nearer(points, near, vertices, triangles, neighbourhood, squares)
    order = np.argsort(-squares, kind="stable")
    tree, largest = None, 0.0
    for start in range(0, len(order), _AT_ONCE):
        chosen = order[start : start + _AT_ONCE]
        if squares[chosen[0]] <= largest:
            break
        tree = tree or new_tree(vertices, triangles)
        asked, found = points[chosen], squares[chosen]
        lower_squares(asked, vertices, triangles, tree, found)
        largest = max(largest, float(found.max()))
    return float(np.sqrt(largest))
