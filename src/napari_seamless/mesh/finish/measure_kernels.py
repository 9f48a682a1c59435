"""Integrals over triangles, their edges, and which of them hang together."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled
from napari_seamless.mesh.finish.neighbour_kernels import neighbours

Array = np.ndarray[Any, Any]


@compiled
def moments(points: Array, triangles: Array) -> tuple[float, float, Array, Array]:
    """Return area, volume, and the integrals of the position over both."""
    area = volume = 0.0
    of_area, of_volume = np.zeros(3), np.zeros(3)
    for t in range(len(triangles)):
        i, j, k = triangles[t]
        normal = np.zeros(3)
        six = 0.0
        for a in range(3):
            b, c = (a + 1) % 3, (a + 2) % 3
            normal[a] = (points[j, b] - points[i, b]) * (points[k, c] - points[i, c])
            normal[a] -= (points[j, c] - points[i, c]) * (points[k, b] - points[i, b])
            six += normal[a] * points[i, a]
        part = 0.5 * np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2)
        area += part
        volume += six / 6.0
        for a in range(3):
            total = points[i, a] + points[j, a] + points[k, a]
            of_area[a] += part * total / 3.0
            of_volume[a] += six / 24.0 * total
    return area, volume, of_area, of_volume


@compiled
def count_edges(triangles: Array, n: int) -> tuple[int, bool]:
    """Count edges; say whether each has two triangles that pass it in opposite directions."""
    starts, others = neighbours(triangles, n)
    edges, closed = 0, True
    for i in range(n):
        around = others[starts[i] : starts[i + 1]]
        for a in range(len(around)):
            other = around[a]
            twice = False
            for b in range(a):
                if around[b] == other:
                    twice = True
            back = 0
            for b in range(starts[other], starts[other + 1]):
                if others[b] == i:
                    back += 1
            closed = closed and not twice and back == 1 and other != i
            if not twice and (i < other or back == 0):
                edges += 1
    return edges, closed


@compiled
def component_roots(triangles: Array, n: int) -> Array:
    """Return, for every vertex, the lowest vertex that it hangs together with."""
    roots = np.arange(n)
    for t in range(len(triangles)):
        for k in range(2):
            i, j = triangles[t, k], triangles[t, k + 1]
            while roots[i] != i:
                roots[i] = roots[roots[i]]
                i = roots[i]
            while roots[j] != j:
                roots[j] = roots[roots[j]]
                j = roots[j]
            if i < j:
                roots[j] = i
            else:
                roots[i] = j
    for i in range(n):
        roots[i] = roots[roots[i]]
    return roots


@compiled
def volumes(points: Array, triangles: Array, numbers: Array, count: int) -> Array:
    """Add up the volumes of triangles by the number that each has; every component must be closed."""
    sums = np.zeros(count)
    origins = np.full((count, 3), np.nan)
    for t in range(len(triangles)):
        i, j, k = triangles[t]
        number = numbers[t]
        if np.isnan(origins[number, 0]):
            for a in range(3):
                origins[number, a] = points[i, a]
        for a in range(3):
            b, c = (a + 1) % 3, (a + 2) % 3
            value = (points[j, b] - points[i, b]) * (points[k, c] - points[i, c])
            value -= (points[j, c] - points[i, c]) * (points[k, b] - points[i, b])
            sums[number] += value * (points[i, a] - origins[number, a]) / 6.0
    return sums
