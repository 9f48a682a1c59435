"""Which edges may collapse: those after which the surface is as closed as before, and faces the same way."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled
from napari_seamless.mesh.finish.deviation_kernels import square_to_triangle
from napari_seamless.mesh.finish.quadric_kernels import area_vector

Array = np.ndarray[Any, Any]
Corners = tuple[Array, Array, Array]
Place = tuple[float, float, float]

_FARTHEST = 2.0
"""Distance of an end of an edge to what comes after it, as a multiple of the limit of mean distances."""

_TURN = 0.2
"""Cosine of the angle by which a triangle may turn at most when an edge beside it collapses."""


@compiled
def may_go(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    points: Array,
    triangles: Array,
    corners: Corners,
    edge: tuple[int, int],
    place: Place,
    marks: Array,
    turn: int,
    limit: float,
) -> bool:
    """Say whether an edge can collapse: its ends share two neighbours, which keep a fan, and no triangle turns over."""
    first, _, after = corners
    u, v = edge
    corner = first[u]
    while corner >= 0:
        t, k = corner // 3, corner % 3
        marks[triangles[t, (k + 1) % 3]] = turn
        corner = after[corner]
    shared = sides = 0
    corner = first[v]
    while corner >= 0:
        t, k = corner // 3, corner % 3
        i, j = triangles[t, (k + 1) % 3], triangles[t, (k + 2) % 3]
        if marks[i] == turn:
            shared += 1
            marks[i] = turn + 1
        if i == u or j == u:  # noqa: PLR1714  faster than a tuple
            sides += 1
            other = j if i == u else i
            if not _has_four(after, first[other]):
                return False
        corner = after[corner]
    if shared != 2 or sides != 2:
        return False
    if not _keeps_facing(points, triangles, corners, u, v, place):
        return False
    if not _keeps_facing(points, triangles, corners, v, u, place):
        return False
    if limit == np.inf:
        return True
    return _stays_near(points, triangles, corners, u, v, place, limit)


@compiled
def _stays_near(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    points: Array, triangles: Array, corners: Corners, u: int, v: int, place: Place, limit: float
) -> bool:
    """Say whether both ends of an edge are near the triangles that come after it.

    Planes have no end: to them the point of a thorn may go back along it at no cost.
    """
    first, _, after = corners
    from_u = from_v = np.inf
    for side in range(2):
        end, other = (u, v) if side == 0 else (v, u)
        corner = first[end]
        while corner >= 0:
            t, k = corner // 3, corner % 3
            i, j = triangles[t, (k + 1) % 3], triangles[t, (k + 2) % 3]
            if other != i and other != j:  # noqa: PLR1714  faster than a tuple
                from_u = min(from_u, square_to_triangle(points[u], place, points[i], points[j]))
                from_v = min(from_v, square_to_triangle(points[v], place, points[i], points[j]))
            corner = after[corner]
    return max(from_u, from_v) <= (_FARTHEST * limit) ** 2


@compiled
def _has_four(after: Array, corner: int) -> bool:
    """Say whether a chain has four corners or more."""
    count = 0
    while corner >= 0 and count < 4:
        count += 1
        corner = after[corner]
    return count == 4


@compiled
def _keeps_facing(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    points: Array, triangles: Array, corners: Corners, v: int, other: int, place: Place
) -> bool:
    """Say whether the triangles at a vertex, without those that go, keep their side when the vertex moves."""
    first, _, after = corners
    vz, vy, vx = points[v]
    z, y, x = place
    corner = first[v]
    while corner >= 0:
        t, k = corner // 3, corner % 3
        i, j = triangles[t, (k + 1) % 3], triangles[t, (k + 2) % 3]
        if other != i and other != j:  # noqa: PLR1714  faster than a tuple
            a0, a1, a2 = area_vector(vz, vy, vx, points, i, j)
            b0, b1, b2 = area_vector(z, y, x, points, i, j)
            along = a0 * b0 + a1 * b1 + a2 * b2
            was, now = a0 * a0 + a1 * a1 + a2 * a2, b0 * b0 + b1 * b1 + b2 * b2
            if now <= 1e-24 or along < _TURN * np.sqrt(was * now):
                return False
        corner = after[corner]
    return True
