"""Normals at vertices, for shading and for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_seamless.types import Surface

Array = np.ndarray[Any, Any]


def vertex_normals(surface: Surface) -> Array:
    """Average the normals of the triangles around each vertex, each weighted by its angle there.

    Parameters
    ----------
    surface : Surface
        Triangles as in `Surface`: the normals then point outwards.

    Returns
    -------
    numpy.ndarray
        (vertex, 3) float64 of length 1 along z, y, x; zero where a vertex has no triangle with an area.

    Examples
    --------
    >>> from napari_seamless.types import Surface
    >>> flat = Surface(vertices=np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1]], float), triangles=np.int32([[0, 1, 2]]))
    >>> vertex_normals(flat)[0].tolist()
    [1.0, 0.0, 0.0]
    """
    if not len(surface.triangles):
        return np.zeros((len(surface.vertices), 3))
    from napari_seamless.mesh.finish.normal_kernels import angle_weighted

    triangles = np.ascontiguousarray(surface.triangles)
    return np.asarray(angle_weighted(surface.vertices - surface.vertices[0], triangles))
