"""Quadrics: the sum of squared distances to the planes around a vertex, weighted by area, and where it is smallest.

M. Garland and P. S. Heckbert, SIGGRAPH 1997. A row of quadrics holds the symmetric matrix (00, 01, 02, 11, 12, 22),
the vector (3), the constant and the area.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled

Array = np.ndarray[Any, Any]

_NO_AREA = 1e-9
"""Area (times two) below which a triangle faces no way; edges are around 1 long."""

_LEAST = 0.1
"""Weight of every triangle beside its area: the tip of a thorn has next to no area, and is far away all the same."""

_STAY = 1e-3
"""Pull towards the middle of an edge, as a share of the planes' own: decides where planes leave a direction open."""

_ROUNDS = 3
"""Times that the place is corrected, each for the pull that was left: a corner of planes is then met to 1e-9."""

_SHORT = 1e-5
"""Squared length of an edge, times area, in its cost: among edges in a plane the shorter one goes first."""


@compiled
def quadrics_of(points: Array, triangles: Array) -> Array:
    """Sum the quadric of every triangle at its vertices; return (vertex, 11) float64."""
    sums = np.zeros((len(points), 11))
    for t in range(len(triangles)):
        i, j, k = triangles[t]
        z, y, x = area_vector(points[i, 0], points[i, 1], points[i, 2], points, j, k)
        area = np.sqrt(z * z + y * y + x * x)
        if area < _NO_AREA:
            continue
        z, y, x = z / area, y / area, x / area
        area += _LEAST
        d = -(z * points[i, 0] + y * points[i, 1] + x * points[i, 2])
        for v in (i, j, k):
            sums[v, 0] += area * z * z
            sums[v, 1] += area * z * y
            sums[v, 2] += area * z * x
            sums[v, 3] += area * y * y
            sums[v, 4] += area * y * x
            sums[v, 5] += area * x * x
            sums[v, 6] += area * z * d
            sums[v, 7] += area * y * d
            sums[v, 8] += area * x * d
            sums[v, 9] += area * d * d
            sums[v, 10] += area
    return sums


@compiled
def area_vector(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    z: float, y: float, x: float, points: Array, j: int, k: int
) -> tuple[float, float, float]:
    """Return the area vector (times two) of the triangle of a place and two points."""
    z0, y0, x0 = points[j, 0] - z, points[j, 1] - y, points[j, 2] - x
    z1, y1, x1 = points[k, 0] - z, points[k, 1] - y, points[k, 2] - x
    return y0 * x1 - x0 * y1, x0 * z1 - z0 * x1, z0 * y1 - y0 * z1


@compiled
def _sum(quadrics: Array, u: int, v: int, k: int) -> float:
    """Return an element of the sum of two quadrics."""
    return float(quadrics[u, k] + quadrics[v, k])


@compiled
def best_place(points: Array, quadrics: Array, u: int, v: int, limit: float) -> tuple[float, float, float, float]:
    """Find the best place for one vertex instead of two.

    Returns
    -------
    cost : float
        What puts edges in order; infinite where the mean distance to the planes (quadratic) exceeds the limit.
    z, y, x : float
        The place.
    """
    h0, h1, h2 = 0.5 * points[u, 0], 0.5 * points[u, 1], 0.5 * points[u, 2]
    m0, m1, m2 = h0 + 0.5 * points[v, 0], h1 + 0.5 * points[v, 1], h2 + 0.5 * points[v, 2]
    long = 4.0 * ((m0 - 2.0 * h0) ** 2 + (m1 - 2.0 * h1) ** 2 + (m2 - 2.0 * h2) ** 2)
    a, b, c = _sum(quadrics, u, v, 0), _sum(quadrics, u, v, 1), _sum(quadrics, u, v, 2)
    d, e, f = _sum(quadrics, u, v, 3), _sum(quadrics, u, v, 4), _sum(quadrics, u, v, 5)
    b0, b1, b2 = _sum(quadrics, u, v, 6), _sum(quadrics, u, v, 7), _sum(quadrics, u, v, 8)
    g0 = a * m0 + b * m1 + c * m2 + b0
    g1 = b * m0 + d * m1 + e * m2 + b1
    g2 = c * m0 + e * m1 + f * m2 + b2
    base = m0 * (g0 + b0) + m1 * (g1 + b1) + m2 * (g2 + b2) + _sum(quadrics, u, v, 9)
    stay = _STAY * (a + d + f) + 1e-30
    i00, i01, i02 = (d + stay) * (f + stay) - e * e, c * e - b * (f + stay), b * e - c * (d + stay)
    i11, i12, i22 = (a + stay) * (f + stay) - c * c, b * c - (a + stay) * e, (a + stay) * (d + stay) - b * b
    scale = -1.0 / ((a + stay) * i00 + b * i01 + c * i02)
    z = y = x = 0.0
    r0, r1, r2 = g0, g1, g2
    for _ in range(_ROUNDS):
        z += scale * (i00 * r0 + i01 * r1 + i02 * r2)
        y += scale * (i01 * r0 + i11 * r1 + i12 * r2)
        x += scale * (i02 * r0 + i12 * r1 + i22 * r2)
        r0 = g0 + a * z + b * y + c * x
        r1 = g1 + b * z + d * y + e * x
        r2 = g2 + c * z + e * y + f * x
    error = max(base + z * (g0 + r0) + y * (g1 + r1) + x * (g2 + r2), 0.0)
    area = _sum(quadrics, u, v, 10)
    if error > limit * limit * area:
        return np.inf, 0.0, 0.0, 0.0
    return error + _SHORT * area * long, m0 + z, m1 + y, m2 + x
