"""A tree of boxes around triangles, to find the nearest one."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled
from napari_seamless.mesh.finish.deviation_kernels import square_to_triangle

Array = np.ndarray[Any, Any]
Tree = tuple[Array, Array, Array]

_LEAF = 8


@compiled
def new_tree(vertices: Array, triangles: Array) -> Tree:
    """Halve the triangles, along the longest side of what their centres fill, until few are together.

    Returns
    -------
    order : numpy.ndarray
        (triangle,) int64: triangles, those of a node side by side.
    spans : numpy.ndarray
        (node, 3) int64: first and last (exclusive) of a node in the order, and its second child, -1 for a leaf. The
        first child is the next node.
    bounds : numpy.ndarray
        (node, 6) float64: lowest and highest coordinates.
    """
    count = len(triangles)
    centres = np.empty((count, 3))
    for t in range(count):
        for a in range(3):
            centres[t, a] = vertices[triangles[t, 0], a] + vertices[triangles[t, 1], a] + vertices[triangles[t, 2], a]
    order = np.arange(count)
    most = 2 * (2 * count // _LEAF + 2)
    spans, bounds = np.empty((most, 3), np.int64), np.empty((most, 6))
    waiting = np.empty((128, 3), np.int64)
    waiting[0] = 0, count, -1
    depth, nodes = 1, 0
    while depth > 0:
        depth -= 1
        start, stop, parent = waiting[depth]
        if parent >= 0:
            spans[parent, 2] = nodes
        spans[nodes] = start, stop, -1
        _bound(vertices, triangles, order[start:stop], bounds[nodes])
        if stop - start > _LEAF:
            part = order[start:stop]
            axis, longest = 0, -1.0
            for a in range(3):
                values = centres[part, a]
                side = values.max() - values.min()
                if side > longest:
                    axis, longest = a, side
            order[start:stop] = part[np.argsort(centres[part, axis], kind="mergesort")]
            middle = (start + stop) // 2
            waiting[depth] = middle, stop, nodes
            waiting[depth + 1] = start, middle, -1
            depth += 2
        nodes += 1
    return order, spans[:nodes], bounds[:nodes]


@compiled
def lower_squares(points: Array, vertices: Array, triangles: Array, tree: Tree, squares: Array) -> None:
    """Lower squared distances of points to the true ones; what is given must not be less than these.

    Parameters
    ----------
    points : numpy.ndarray
        (point, 3) float64.
    vertices, triangles : numpy.ndarray
        The surface.
    tree : tuple of numpy.ndarray
        See `new_tree`.
    squares : numpy.ndarray
        (point,) float64, infinite where nothing is known; lowered.
    """
    order, spans, bounds = tree
    waiting = np.empty(128, np.int64)
    for i in range(len(points)):
        best = squares[i]
        waiting[0], depth = 0, 1
        while depth > 0:
            depth -= 1
            node = waiting[depth]
            if _square_to_box(points[i], bounds[node]) >= best:
                continue
            second = spans[node, 2]
            if second < 0:
                for j in range(spans[node, 0], spans[node, 1]):
                    a, b, c = triangles[order[j]]
                    best = min(best, square_to_triangle(points[i], vertices[a], vertices[b], vertices[c]))
            elif _square_to_box(points[i], bounds[second]) < _square_to_box(points[i], bounds[node + 1]):
                waiting[depth], waiting[depth + 1] = node + 1, second
                depth += 2
            else:
                waiting[depth], waiting[depth + 1] = second, node + 1
                depth += 2
        squares[i] = best


@compiled
def _bound(vertices: Array, triangles: Array, chosen: Array, out: Array) -> None:
    """Write the lowest and highest coordinates of triangles."""
    out[:3], out[3:] = np.inf, -np.inf
    for t in chosen:
        for k in range(3):
            for a in range(3):
                value = vertices[triangles[t, k], a]
                out[a] = min(out[a], value)
                out[3 + a] = max(out[3 + a], value)


@compiled
def _square_to_box(point: Array, box: Array) -> float:
    """Return the squared distance of a point to a box."""
    total = 0.0
    for a in range(3):
        away = max(box[a] - point[a], point[a] - box[3 + a], 0.0)
        total += away * away
    return total
