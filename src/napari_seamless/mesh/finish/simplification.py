"""Fewer triangles for the same surface."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from napari_seamless.types import Surface

Array = np.ndarray[Any, Any]

_FEWEST = 4
"""Triangles of the smallest closed surface."""

_ATTEMPTS = 8
"""Times that a surface is simplified anew because the last one went too far."""


def simplify(surface: Surface, triangles: int | None = None, max_error: float | None = None) -> Surface:
    """Collapse the edges of a surface that matter least.

    The result is closed, each component has the Euler characteristic that it had, and none disappears. What ends first
    counts: the number of triangles or the error.

    Parameters
    ----------
    surface : Surface
        Closed.
    triangles : int or None
        Triangles to aim at. Where the topology, or sharp folds, allow no so few, the result has the fewest that it has
        found.
    max_error : float or None
        Largest distance of a vertex of the surface to the result, in the units of the surface.

    Returns
    -------
    Surface
        A vertex has the values of the original vertex that it stands for and that was nearest to it. `error` has grown
        by the largest distance of an original vertex to the new surface: an upper bound that counts every vertex.

    Raises
    ------
    SettingsError
        If neither end is given, or one is out of its range.

    Examples
    --------
    >>> from napari_seamless.types import Surface
    >>> corners = np.array([[z, y, x] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
    >>> quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    >>> box = Surface(vertices=corners, triangles=np.int32(np.r_[quads[:, :3], quads[:, [0, 2, 3]]]))
    >>> len(simplify(box, triangles=12).triangles)
    12
    """
    target = _checked(triangles, max_error)
    if len(surface.triangles) <= target or max_error == 0:
        return surface
    limit = np.inf if max_error is None else max_error
    for _ in range(_ATTEMPTS):
        result, moved = _collapsed(surface, target, limit)
        if max_error is None or moved <= max_error:
            return replace(result, error=surface.error + moved)
        limit *= max(0.8 * max_error / moved, 0.1)
    return surface


def _collapsed(surface: Surface, target: int, limit: float) -> tuple[Surface, float]:
    """Simplify once; return the result and the distance that it went."""
    from napari_seamless.mesh.finish.collapse_kernels import collapse
    from napari_seamless.mesh.finish.deviation_kernels import deviation

    centre, scale = _frame(surface)
    began = np.ascontiguousarray((surface.vertices - centre) / scale)
    points, corners = began.copy(), np.array(surface.triangles, np.int32, order="C")
    into, left = collapse(points, corners, target, limit / scale)
    if left == len(corners):
        return surface, 0.0
    corners = corners[corners[:, 0] >= 0]
    into = _last(into)
    kept = np.flatnonzero(into == np.arange(len(into)))
    numbers = np.zeros(len(into), np.int32)
    numbers[kept] = np.arange(len(kept))
    points, corners = points[kept], numbers[corners]
    moved = deviation(began, numbers[into], points, corners) * scale
    values = {name: value[kept] for name, value in surface.values.items()}
    return replace(surface, vertices=points * scale + centre, triangles=corners, values=values), moved


def _frame(surface: Surface) -> tuple[Array, float]:
    """Return the centre of a surface and the length of its edges, about: in this frame numbers are around 1."""
    first, second = surface.vertices[surface.triangles[:, 0]], surface.vertices[surface.triangles[:, 1]]
    return first.mean(axis=0), float(np.abs(second - first).sum(axis=1).mean()) or 1.0


def _last(into: Array) -> Array:
    """Follow vertices that went into others to the end."""
    while True:
        further = into[into]
        if np.array_equal(further, into):
            return into
        into = further


def _checked(triangles: int | None, max_error: float | None) -> int:
    """Return the number of triangles to aim at."""
    if triangles is None and max_error is None:
        raise SettingsError("neither triangles nor max_error is given; say how many triangles or how large an error")
    if triangles is not None and triangles < 0:
        raise SettingsError(f"triangles is {triangles}; give a number of triangles, 4 or more for a closed surface")
    if max_error is not None and not max_error >= 0:
        raise SettingsError(f"max_error is {max_error}; give a distance of 0 or more in the units of the surface")
    return max(triangles or 0, _FEWEST)
