"""How far the vertices of a surface are from another one that it was simplified to."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled

Array = np.ndarray[Any, Any]


@compiled
def around_vertices(triangles: Array, n: int) -> tuple[Array, Array]:
    """List the triangles at every vertex: those of vertex i are ``around[starts[i] : starts[i + 1]]``."""
    starts = np.zeros(n + 1, np.int64)
    for t in range(len(triangles)):
        for k in range(3):
            starts[triangles[t, k] + 1] += 1
    for i in range(n):
        starts[i + 1] += starts[i]
    filled = starts[:-1].copy()
    around = np.empty(3 * len(triangles), np.int32)
    for t in range(len(triangles)):
        for k in range(3):
            i = triangles[t, k]
            around[filled[i]] = t
            filled[i] += 1
    return starts, around


@compiled
def walk_nearer(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    points: Array, near: Array, vertices: Array, triangles: Array, neighbourhood: tuple[Array, Array], squares: Array
) -> None:
    """Lower the squared distances of points to a surface.

    A point looks at the triangles around the vertex that is given for it, then around the corners of the nearest of
    these, and so on until no triangle is nearer. What it finds is the distance to one point of the surface, hence
    never less than the distance to the surface.

    Parameters
    ----------
    points : numpy.ndarray
        (point, 3) float64.
    near : numpy.ndarray
        (point,) integers: a vertex of the surface near each point.
    vertices, triangles : numpy.ndarray
        The surface.
    neighbourhood : tuple of numpy.ndarray
        See `around_vertices`.
    squares : numpy.ndarray
        (point,) float64, infinite where nothing is known; lowered.
    """
    starts, around = neighbourhood
    for i in range(len(points)):
        best, found = _nearest_around(points[i], near[i], starts, around, vertices, triangles, squares[i])
        while found >= 0:
            t, found = found, -1
            for k in range(3):
                value, other = _nearest_around(points[i], triangles[t, k], starts, around, vertices, triangles, best)
                if other >= 0:
                    best, found = value, other
        squares[i] = best


@compiled
def _nearest_around(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    point: Array, v: int, starts: Array, around: Array, vertices: Array, triangles: Array, best: float
) -> tuple[float, int]:
    """Return squared distance and number of the nearest triangle at a vertex, -1 where none is nearer than `best`."""
    found = -1
    for j in range(starts[v], starts[v + 1]):
        a, b, c = triangles[around[j]]
        value = square_to_triangle(point, vertices[a], vertices[b], vertices[c])
        if value < best:
            best, found = value, around[j]
    return best, found


@compiled
def square_to_triangle(p: Array, a: Array | tuple[float, float, float], b: Array, c: Array) -> float:
    """Return the squared distance of a point to a triangle."""
    u0, u1, u2 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    v0, v1, v2 = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    w0, w1, w2 = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    uu, vv, uv = u0 * u0 + u1 * u1 + u2 * u2, v0 * v0 + v1 * v1 + v2 * v2, u0 * v0 + u1 * v1 + u2 * v2
    uw, vw = u0 * w0 + u1 * w1 + u2 * w2, v0 * w0 + v1 * w1 + v2 * w2
    ww = w0 * w0 + w1 * w1 + w2 * w2
    whole = uu * vv - uv * uv
    s, t = vv * uw - uv * vw, uu * vw - uv * uw
    if whole > 0 and s >= 0 and t >= 0 and s + t <= whole:
        s, t = s / whole, t / whole
        return float(max(ww - s * uw - t * vw, 0.0))
    first = _square_to_edge(uu, uw, ww)
    second = _square_to_edge(vv, vw, ww)
    third = _square_to_edge(uu + vv - 2.0 * uv, vw - uv - uw + uu, ww - 2.0 * uw + uu)
    return float(max(min(first, second, third), 0.0))


@compiled
def _square_to_edge(length: float, along: float, away: float) -> float:
    """Return the squared distance to an edge, from its squared length, the product along it and that to its start."""
    if along <= 0 or length == 0:
        return away
    if along >= length:
        return away - 2.0 * along + length
    return away - along * along / length
