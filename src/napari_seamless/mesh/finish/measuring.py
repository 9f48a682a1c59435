"""Area, volume and topology of a surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_seamless.types import Surface

Array = np.ndarray[Any, Any]
Place = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What can be measured of a surface.

    Parameters
    ----------
    triangles, vertices : int
        Their numbers; vertices that no triangle uses count nowhere.
    area, volume : float
        In the square and the cube of the units of the surface. The volume is negative where the triangles face
        inwards; that of a cavity is taken off.
    euler : int
        Vertices less edges plus triangles: 2 for a sphere, 0 for a torus, added up over components.
    components : int
        Parts that share no vertex.
    watertight : bool
        Whether every edge has exactly two triangles that pass it in opposite directions. False where there are none.
    bounds : tuple of tuple of float
        Lowest and highest (z, y, x); NaN where there are no triangles.
    centroid : tuple of float
        (z, y, x) of the centre of the volume, or of the area where the surface is not closed or encloses nothing.
    """

    triangles: int
    vertices: int
    area: float
    volume: float
    euler: int
    components: int
    watertight: bool
    bounds: tuple[Place, Place]
    centroid: Place


def measure(surface: Surface) -> Measures:
    """Measure a surface.

    Parameters
    ----------
    surface : Surface
        Open ones are measured too; their volume depends on where the surface is open.

    Returns
    -------
    Measures

    Examples
    --------
    >>> from napari_seamless.types import Surface
    >>> corners = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]], float)
    >>> sides = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]], np.int32)
    >>> found = measure(Surface(vertices=corners, triangles=sides))
    >>> found.euler, found.watertight, round(abs(found.volume), 3)
    (2, True, 0.167)
    """
    triangles = np.ascontiguousarray(surface.triangles)
    if not len(triangles):
        nowhere = (np.nan, np.nan, np.nan)
        return Measures(
            triangles=0,
            vertices=0,
            area=0.0,
            volume=0.0,
            euler=0,
            components=0,
            watertight=False,
            bounds=(nowhere, nowhere),
            centroid=nowhere,
        )
    from napari_seamless.mesh.finish.measure_kernels import component_roots, count_edges, moments

    low, high, used = _bounds(surface.vertices, triangles)
    middle = 0.5 * (low + high)
    points = surface.vertices - middle
    area, volume, of_area, of_volume = moments(points, triangles)
    edges, watertight = count_edges(triangles, len(points))
    roots = component_roots(triangles, len(points))
    inside = watertight and abs(volume) > 1e-12 * max(float((high - low).prod()), 1e-300)
    centre = of_volume / volume if inside else of_area / area if area > 0 else np.zeros(3)
    return Measures(
        triangles=len(triangles),
        vertices=int(used.sum()),
        area=area,
        volume=volume,
        euler=int(used.sum()) - edges + len(triangles),
        components=int(np.count_nonzero(used & (roots == np.arange(len(points))))),
        watertight=watertight,
        bounds=(_place(low), _place(high)),
        centroid=_place(middle + centre),
    )


def _bounds(vertices: Array, triangles: Array) -> tuple[Array, Array, Array]:
    """Return the lowest and highest coordinates of vertices in use, and which are in use."""
    used = np.zeros(len(vertices), np.bool_)
    used[triangles.ravel()] = True
    points = vertices if used.all() else vertices[used]
    return points.min(axis=0), points.max(axis=0), used


def _place(values: Array) -> Place:
    """Return three numbers as Python has them."""
    z, y, x = values.tolist()
    return z, y, x
