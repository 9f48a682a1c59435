"""The neighbours of every vertex of a closed surface."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled

Array = np.ndarray[Any, Any]


@compiled
def neighbours(triangles: Array, n: int) -> tuple[Array, Array]:
    """List neighbours: those of vertex i are ``others[starts[i] : starts[i + 1]]``.

    Around a vertex of a closed surface every neighbour ends exactly one directed edge that begins at the vertex.

    Parameters
    ----------
    triangles : numpy.ndarray
        (triangle, 3) int32.
    n : int
        Number of vertices.

    Returns
    -------
    starts : numpy.ndarray
        (n + 1,) int64.
    others : numpy.ndarray
        (3 * triangle,) int32.
    """
    starts = np.zeros(n + 1, np.int64)
    for t in range(len(triangles)):
        for k in range(3):
            starts[triangles[t, k] + 1] += 1
    for i in range(n):
        starts[i + 1] += starts[i]
    filled = starts[:-1].copy()
    others = np.empty(3 * len(triangles), np.int32)
    for t in range(len(triangles)):
        for k in range(3):
            i = triangles[t, k]
            others[filled[i]] = triangles[t, (k + 1) % 3]
            filled[i] += 1
    return starts, others
