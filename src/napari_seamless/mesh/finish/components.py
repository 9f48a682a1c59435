"""The parts of a surface that hang together: which to keep, and which are cavities."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from napari_seamless.types import Surface

Array = np.ndarray[Any, Any]


def connected_components(surface: Surface) -> Array:
    """Give every triangle the number of its component.

    Parameters
    ----------
    surface : Surface
        Triangles hang together where they share a vertex.

    Returns
    -------
    numpy.ndarray
        (triangle,) int64: 0 and up, in the order in which components first appear among the vertices.

    Examples
    --------
    >>> from napari_seamless.types import Surface
    >>> apart = Surface(vertices=np.eye(6, 3), triangles=np.int32([[3, 4, 5], [0, 1, 2]]))
    >>> connected_components(apart).tolist()
    [1, 0]
    """
    if not len(surface.triangles):
        return np.zeros(0, np.int64)
    from napari_seamless.mesh.finish.measure_kernels import component_roots

    triangles = np.ascontiguousarray(surface.triangles)
    roots = component_roots(triangles, len(surface.vertices))[triangles[:, 0]]
    return np.asarray(np.unique(roots, return_inverse=True)[1], np.int64)


def component_volumes(surface: Surface, numbers: Array) -> Array:
    """Measure the volume of each component.

    Parameters
    ----------
    surface : Surface
        Closed.
    numbers : numpy.ndarray
        (triangle,) from `connected_components`.

    Returns
    -------
    numpy.ndarray
        (component,) float64 in the cube of the units; negative for cavities, which face inwards.
    """
    if not len(numbers):
        return np.zeros(0)
    from napari_seamless.mesh.finish.measure_kernels import volumes

    triangles = np.ascontiguousarray(surface.triangles)
    return np.asarray(volumes(surface.vertices, triangles, numbers, int(numbers.max()) + 1))


def drop_small(surface: Surface, min_volume: float = 0.0, min_triangles: int = 0) -> Surface:
    """Leave out small components.

    Parameters
    ----------
    surface : Surface
        Closed.
    min_volume : float
        In the cube of the units of the surface. Smaller components go, and smaller cavities are filled. What lies in
        the cavity of a component counts by itself.
    min_triangles : int
        Components with fewer triangles go.

    Returns
    -------
    Surface
        Empty where every component is small.

    Raises
    ------
    SettingsError
        If a bound is negative.
    """
    if min_volume < 0 or min_triangles < 0:
        raise SettingsError(f"min_volume is {min_volume} and min_triangles {min_triangles}; give bounds of 0 or more")
    numbers = connected_components(surface)
    sizes = np.abs(component_volumes(surface, numbers))
    keep = (sizes >= min_volume) & (np.bincount(numbers, minlength=len(sizes)) >= min_triangles)
    if min_volume > 0:
        keep &= ~_orphans(surface, numbers, keep)
    return _part(surface, keep[numbers])


def fill_cavities(surface: Surface) -> Surface:
    """Leave out the walls of cavities: components that enclose a negative volume.

    A solid that floats in a cavity disappears with it, because it lies within what is filled.

    Parameters
    ----------
    surface : Surface
        Closed.

    Returns
    -------
    Surface
    """
    numbers = connected_components(surface)
    sizes = component_volumes(surface, numbers)
    if (sizes >= 0).all():
        return surface
    walls = sizes < 0
    outside = ~walls
    outside[outside] = ~_within(surface, numbers, np.flatnonzero(outside), np.flatnonzero(walls))
    return _part(surface, outside[numbers])


def split(surface: Surface) -> list[Surface]:
    """Cut a surface into its components, in the order of their numbers.

    Parameters
    ----------
    surface : Surface
        Closed or not. Cavities become surfaces of their own.

    Returns
    -------
    list of Surface
        With label, name, colour, values and error of the whole.
    """
    numbers = connected_components(surface)
    order = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers)) if len(numbers) else np.zeros(0, np.int64)
    pieces = np.split(order, ends[:-1]) if len(ends) else []
    return [_of(surface, piece) for piece in pieces]


def _orphans(surface: Surface, numbers: Array, keep: Array) -> Array:
    """Say which cavities lie in a component that goes: without it they would be solids turned inside out."""
    sizes = component_volumes(surface, numbers)
    walls = np.flatnonzero((sizes < 0) & keep)
    gone = np.flatnonzero((sizes > 0) & ~keep)
    orphans = np.zeros(len(sizes), np.bool_)
    if len(walls) and len(gone):
        orphans[walls] = _within(surface, numbers, walls, gone)
    return orphans


def _within(surface: Surface, numbers: Array, inner: Array, outer: Array) -> Array:
    """Say, for each inner component, whether it lies inside one of the outer ones: by the solid angle they span."""
    first = np.unique(numbers, return_index=True)[1]
    found = np.zeros(len(inner), np.bool_)
    corners = surface.vertices[surface.triangles]
    for number in outer:
        shell = corners[numbers == number]
        low, high = shell.min(axis=(0, 1)), shell.max(axis=(0, 1))
        for i in np.flatnonzero(~found):
            point = corners[first[inner[i]], 0]
            if inner[i] != number and (point >= low).all() and (point <= high).all():
                found[i] = abs(_turns(point, shell)) > 0.5
    return found


def _turns(point: Array, shell: Array) -> float:
    """Return how often triangles go around a point (A. van Oosterom and J. Strackee, 1983)."""
    a, b, c = (shell[:, k] - point for k in range(3))
    x, y, z = (np.linalg.norm(side, axis=1) for side in (a, b, c))
    over = np.einsum("ij,ij->i", a, np.cross(b, c))
    under = x * y * z + (a * b).sum(1) * z + (b * c).sum(1) * x + (c * a).sum(1) * y
    return float(np.arctan2(over, under).sum() / (2 * np.pi))


def _part(surface: Surface, keep: Array) -> Surface:
    """Keep triangles, and the vertices that they use."""
    return surface if keep.all() else _of(surface, np.flatnonzero(keep))


def _of(surface: Surface, chosen: Array) -> Surface:
    """Make a surface of chosen triangles."""
    used, corners = np.unique(surface.triangles[chosen], return_inverse=True)
    return replace(
        surface,
        vertices=surface.vertices[used],
        triangles=corners.reshape(-1, 3).astype(np.int32),
        values={name: value[used] for name, value in surface.values.items()},
    )
