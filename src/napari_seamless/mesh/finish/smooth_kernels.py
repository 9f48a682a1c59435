"""Means of neighbours, and polynomials of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled

Array = np.ndarray[Any, Any]

_NO_AREA = 1e-6
"""Area, in voxels, that is nothing but rounding: around such a vertex the surface faces no way."""


@compiled
def filtered(points: Array, starts: Array, others: Array, coefficients: Array) -> Array:
    """Apply a polynomial of the umbrella operator, given by its Chebyshev coefficients.

    Parameters
    ----------
    points : numpy.ndarray
        (vertex, 3) float64.
    starts, others : numpy.ndarray
        Neighbours, see `neighbours`.
    coefficients : numpy.ndarray
        (degree + 1,) float64, degree at least 1: of the polynomials in 1 - k / 2, where k is the frequency in 0..2.

    Returns
    -------
    numpy.ndarray
        (vertex, 3) float64.
    """
    before = points.copy()
    now = np.empty_like(points)
    result: Array = coefficients[0] * before
    _step(before, before, now, starts, others, 1.0, result, coefficients[1])
    for n in range(2, len(coefficients)):
        _step(now, before, before, starts, others, 2.0, result, coefficients[n])
        before, now = now, before
    return result


@compiled
def _step(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    now: Array, before: Array, out: Array, starts: Array, others: Array, factor: float, result: Array, weight: float
) -> None:
    """Write factor * (now + mean of its neighbours) / 2 - (factor - 1) * before; add it, weighted, to the result.

    `out` may be `before`.
    """
    half, rest = 0.5 * factor, factor - 1.0
    for i in range(len(now)):
        z = y = x = 0.0
        for j in range(starts[i], starts[i + 1]):
            other = others[j]
            z += now[other, 0]
            y += now[other, 1]
            x += now[other, 2]
        share = half / max(starts[i + 1] - starts[i], 1)
        z = half * now[i, 0] + z * share - rest * before[i, 0]
        y = half * now[i, 1] + y * share - rest * before[i, 1]
        x = half * now[i, 2] + x * share - rest * before[i, 2]
        out[i, 0], out[i, 1], out[i, 2] = z, y, x
        result[i, 0] += weight * z
        result[i, 1] += weight * y
        result[i, 2] += weight * x


@compiled
def restored(points: Array, began: Array, triangles: Array, neighbourhood: tuple[Array, Array], steps: int) -> Array:
    """Give every neighbourhood the volume back that smoothing took there, or take what it added.

    The volume that a vertex swept is averaged with those around it, and so is the area that belongs to it; each vertex
    moves by their quotient along its normal at the start. Where noise is smoothed gains and losses cancel, and next to
    nothing moves. Where a part is thin all of it was lost, and comes back.

    Parameters
    ----------
    points, began : numpy.ndarray
        (vertex, 3) float64 after smoothing, and before.
    triangles : numpy.ndarray
        (triangle, 3) int32.
    neighbourhood : tuple of numpy.ndarray
        See `neighbours`.
    steps : int
        Averages that are taken: the size of a neighbourhood grows with their root.

    Returns
    -------
    numpy.ndarray
        (vertex, 3) float64.
    """
    starts, others = neighbourhood
    normals = _area_vectors(began, triangles)
    shares = np.empty((len(points), 2))
    for i in range(len(points)):
        swept = length = 0.0
        for a in range(3):
            swept += normals[i, a] * (points[i, a] - began[i, a])
            length += normals[i, a] * normals[i, a]
        shares[i, 0], shares[i, 1] = swept, np.sqrt(length)
        for a in range(3):
            normals[i, a] = normals[i, a] / shares[i, 1] if shares[i, 1] > _NO_AREA else 0.0
    spread = np.empty_like(shares)
    for _ in range(steps):
        for i in range(len(points)):
            swept = area = 0.0
            for j in range(starts[i], starts[i + 1]):
                swept += shares[others[j], 0]
                area += shares[others[j], 1]
            share = 1.0 / max(starts[i + 1] - starts[i], 1)
            spread[i, 0] = 0.5 * (shares[i, 0] + swept * share)
            spread[i, 1] = 0.5 * (shares[i, 1] + area * share)
        shares, spread = spread, shares
    result = points.copy()
    for i in range(len(points)):
        for a in range(3):
            result[i, a] -= shares[i, 0] / max(shares[i, 1], 1e-300) * normals[i, a]
    return result


@compiled
def _area_vectors(points: Array, triangles: Array) -> Array:
    """Sum the area vectors, times two, of the triangles around each vertex."""
    sums = np.zeros_like(points)
    for t in range(len(triangles)):
        i, j, k = triangles[t]
        for a in range(3):
            b, c = (a + 1) % 3, (a + 2) % 3
            value = (points[j, b] - points[i, b]) * (points[k, c] - points[i, c])
            value -= (points[j, c] - points[i, c]) * (points[k, b] - points[i, b])
            sums[i, a] += value
            sums[j, a] += value
            sums[k, a] += value
    return sums
