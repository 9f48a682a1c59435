"""Normals at vertices, weighted by the angles of triangles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled

Array = np.ndarray[Any, Any]


@compiled
def angle_weighted(points: Array, triangles: Array) -> Array:
    """Return (vertex, 3) float64; see `vertex_normals`."""
    sums = np.zeros((len(points), 3))
    normal = np.empty(3)
    for t in range(len(triangles)):
        for k in range(3):
            i, u, v = triangles[t, k], triangles[t, (k + 1) % 3], triangles[t, (k + 2) % 3]
            along = 0.0
            for a in range(3):
                b, c = (a + 1) % 3, (a + 2) % 3
                normal[a] = (points[u, b] - points[i, b]) * (points[v, c] - points[i, c])
                normal[a] -= (points[u, c] - points[i, c]) * (points[v, b] - points[i, b])
                along += (points[u, a] - points[i, a]) * (points[v, a] - points[i, a])
            area = math.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2)
            if area > 0:
                angle = math.atan2(area, along)
                for a in range(3):
                    sums[i, a] += angle * normal[a] / area
    for i in range(len(points)):
        length = math.sqrt(sums[i, 0] ** 2 + sums[i, 1] ** 2 + sums[i, 2] ** 2)
        if length > 0:
            for a in range(3):
                sums[i, a] /= length
    return sums
