"""A surface in the frame of files: x, y, z, with the winding turned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_seamless.types.surface import Surface

Array = np.ndarray[Any, Any]

GREY = (192, 192, 192, 255)
_FAR = 1e4  # beyond this ratio of distance to extent, float32 keeps less than three digits of the extent
_ROWS = 1 << 18
_MANY_ROWS = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Positions (vertex, 3) float64 as x, y, z, and triangles (triangle, 3) whose normals point outward."""

    surface: Surface
    positions: Array
    triangles: Array


def as_part(surface: Surface) -> Part:
    """Turn a surface into the frame of files: swapping two axes mirrors it, so that the winding is turned as well."""
    return Part(surface, surface.vertices[:, ::-1], surface.triangles[:, ::-1])


def vertex_normals(part: Part) -> Array:
    """Return (vertex, 3) float32 unit normals, means of the triangles around a vertex, weighted by their area."""
    normals = np.zeros(part.positions.shape)
    for some, cross in crosses(part):
        index = part.triangles[some].ravel()
        for axis in range(3):
            normals[:, axis] += np.bincount(index, np.repeat(cross[:, axis], 3), len(normals))
    length = np.sqrt((normals**2).sum(axis=1))
    flat = length == 0
    normals[flat] = (0, 0, 1)
    length[flat] = 1
    normals /= length[:, None]
    return normals.astype(np.float32)


def crosses(part: Part) -> Iterator[tuple[slice, Array]]:
    """Yield some triangles and their outward normals (triangle, 3) of twice the length of their area."""
    for some in rows(len(part.triangles), _MANY_ROWS):
        corners = part.positions[part.triangles[some]]
        yield some, np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def needs_double(surfaces: Sequence[Surface]) -> bool:
    """Tell whether a surface lies so far from the origin, for its size, that float32 would spoil its shape."""
    return any(_is_far(surface.vertices) for surface in surfaces)


def rows(n: int, most: int = _ROWS) -> Iterator[slice]:
    """Yield slices of a bounded number of rows, so that what is made of them is small."""
    return (slice(start, min(start + most, n)) for start in range(0, n, most))


def value_names(surfaces: Sequence[Surface]) -> list[str]:
    """Return the names of the values of all surfaces, in the order in which they come."""
    return list(dict.fromkeys(name for surface in surfaces for name in surface.values))


def values_of(surface: Surface, name: str) -> Array:
    """Return (vertex,) float32 values, NaN where a surface has none of that name."""
    found = surface.values.get(name)
    n = len(surface.vertices)
    return np.full(n, np.nan, np.float32) if found is None else np.asarray(found, np.float32)


def has_colors(surfaces: Sequence[Surface]) -> bool:
    """Tell whether any surface has a colour; the others are then grey."""
    return any(surface.color is not None for surface in surfaces)


def _is_far(vertices: Array) -> bool:
    if not len(vertices):
        return False
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return bool(max(np.abs(low).max(), np.abs(high).max()) > _FAR * (high - low).max())
