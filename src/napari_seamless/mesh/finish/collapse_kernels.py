"""Edges collapse, cheapest first, as long as the surface stays a closed manifold of the same topology."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled
from napari_seamless.mesh.finish.bucket_kernels import Queue, bucket_of, dequeue, enqueue, new_queue, remove
from napari_seamless.mesh.finish.permission_kernels import Corners, Place, may_go
from napari_seamless.mesh.finish.quadric_kernels import best_place

Array = np.ndarray[Any, Any]
Choice = tuple[Array, Array, Array, Array]


@compiled
def collapse(points: Array, triangles: Array, quadrics: Array, target: int, limit: float) -> Array:
    """Collapse edges until `target` triangles are left, or no edge may go.

    Every vertex knows its cheapest edge and waits in a queue by the cost. Where the surroundings of a vertex have
    changed, its cost is worked out again when its turn comes. An edge that may not go makes room for the next cheapest
    of the vertex, until something beside the vertex changes.

    Parameters
    ----------
    points : numpy.ndarray
        (vertex, 3) float64, edges around 1 long; written: places of those that are left.
    triangles : numpy.ndarray
        (triangle, 3) int32; written: those that are left, -1 in the first column of others.
    quadrics : numpy.ndarray
        (vertex, 11) float64, see `quadrics_of`; written: those of vertices that are left.
    target : int
        Triangles to stop at.
    limit : float
        Largest mean distance (quadratic) to the planes that a vertex stands for.

    Returns
    -------
    numpy.ndarray
        (vertex,) int32: the vertex that each went into; itself where it is left.
    """
    n, left = len(points), len(triangles)
    corners = _corners(triangles, n)
    into, queue = np.arange(n).astype(np.int32), new_queue(n)
    # The other end of the cheapest edge, its cost, the cost of the last edge that could not go, and what has changed.
    choice = np.full(n, -1, np.int32), np.empty(n), np.full(n, -1.0), np.zeros(n, np.bool_)
    partner, cost, floor, _ = choice
    marks, turn = np.zeros(n, np.int64), 0
    for v in range(n):
        _choose(points, triangles, quadrics, corners, choice, v, limit)
        if partner[v] >= 0:
            enqueue(queue, v, cost[v])
    while left > target:
        v = _next(points, triangles, quadrics, corners, choice, limit, queue)
        if v < 0:
            break
        u = int(partner[v])
        _, z, y, x = best_place(points, quadrics, u, v, limit)
        place = z, y, x
        turn += 2
        if not may_go(points, triangles, corners, (u, v), place, marks, turn, limit):
            floor[v] = cost[v]
            _choose(points, triangles, quadrics, corners, choice, v, limit)
            if partner[v] >= 0:
                enqueue(queue, v, cost[v])
            continue
        if _square(points, v, place) < _square(points, u, place):
            u, v = v, u
        remove(queue, u)
        remove(queue, v)
        _merge(triangles, corners, u, v)
        into[v] = u
        points[u, 0], points[u, 1], points[u, 2] = z, y, x
        for k in range(quadrics.shape[1]):
            quadrics[u, k] += quadrics[v, k]
        left -= 2
        _look_again(points, triangles, quadrics, corners, choice, u, limit, queue)
    return into


@compiled
def _next(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    points: Array, triangles: Array, quadrics: Array, corners: Corners, choice: Choice, limit: float, queue: Queue
) -> int:
    """Take the vertex whose edge is the cheapest, as things now are; -1 where none is left."""
    partner, cost, floor, changed = choice
    while True:
        v = dequeue(queue)
        if v < 0 or not changed[v]:
            return v
        bucket = bucket_of(cost[v])
        changed[v], floor[v] = False, -1.0
        _choose(points, triangles, quadrics, corners, choice, v, limit)
        if partner[v] >= 0:
            if bucket_of(cost[v]) <= bucket:
                return v
            enqueue(queue, v, cost[v])


@compiled
def _corners(triangles: Array, n: int) -> Corners:
    """Chain the corners (3 * triangle + place) at every vertex: first and last of each vertex, next of each corner."""
    first, last = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    after = np.full(3 * len(triangles), -1, np.int32)
    for corner in range(3 * len(triangles)):
        v = triangles[corner // 3, corner % 3]
        if first[v] < 0:
            first[v] = corner
        else:
            after[last[v]] = corner
        last[v] = corner
    return first, last, after


@compiled
def _choose(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    points: Array, triangles: Array, quadrics: Array, corners: Corners, choice: Choice, v: int, limit: float
) -> None:
    """Write the cheapest edge of a vertex above its floor, and its cost; -1 where there is none."""
    first, _, after = corners
    partner, cost, floor, _ = choice
    partner[v], cost[v] = -1, np.inf
    corner = first[v]
    while corner >= 0:
        other = triangles[corner // 3, (corner + 1) % 3]
        value = best_place(points, quadrics, other, v, limit)[0]
        if floor[v] < value < cost[v]:
            partner[v], cost[v] = other, value
        corner = after[corner]


@compiled
def _merge(triangles: Array, corners: Corners, u: int, v: int) -> None:
    """Let u take the triangles of v, and drop the two between them."""
    first, last, after = corners
    corner = first[v]
    while corner >= 0:
        t, k = corner // 3, corner % 3
        i, j = triangles[t, (k + 1) % 3], triangles[t, (k + 2) % 3]
        if i == u or j == u:  # noqa: PLR1714  faster than a tuple
            triangles[t, 0] = -1
            _unchain(triangles, corners, j if i == u else i)
        else:
            triangles[t, k] = u
        corner = after[corner]
    after[last[u]] = first[v]
    last[u] = last[v]
    first[v] = last[v] = -1
    _unchain(triangles, corners, u)


@compiled
def _unchain(triangles: Array, corners: Corners, v: int) -> None:
    """Take corners of triangles that are gone out of the chain of a vertex."""
    first, last, after = corners
    corner, kept = first[v], -1
    first[v] = -1
    while corner >= 0:
        if triangles[corner // 3, 0] >= 0:
            if kept < 0:
                first[v] = corner
            else:
                after[kept] = corner
            kept = corner
        corner = after[corner]
    if kept >= 0:
        after[kept] = -1
    last[v] = kept


@compiled
def _look_again(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    points: Array,
    triangles: Array,
    quadrics: Array,
    corners: Corners,
    choice: Choice,
    u: int,
    limit: float,
    queue: Queue,
) -> None:
    """Choose again for a vertex that has moved; those beside it do so when their turn comes."""
    first, _, after = corners
    partner, cost, floor, changed = choice
    changed[u], floor[u] = False, -1.0
    _choose(points, triangles, quadrics, corners, choice, u, limit)
    if partner[u] >= 0:
        enqueue(queue, u, cost[u])
    corner = first[u]
    while corner >= 0:
        v = triangles[corner // 3, (corner + 1) % 3]
        changed[v] = True
        if queue[4][v] < 0:
            changed[v], floor[v] = False, -1.0
            _choose(points, triangles, quadrics, corners, choice, v, limit)
            if partner[v] >= 0:
                enqueue(queue, v, cost[v])
        corner = after[corner]


@compiled
def _square(points: Array, v: int, place: Place) -> float:
    """Return the squared distance of a point to a place."""
    return float((points[v, 0] - place[0]) ** 2 + (points[v, 1] - place[1]) ** 2 + (points[v, 2] - place[2]) ** 2)
