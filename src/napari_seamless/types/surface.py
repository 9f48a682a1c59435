"""A surface: the triangles around one label or one level of a field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """Triangles that enclose one label, or what exceeds one level of a field.

    Parameters
    ----------
    vertices : numpy.ndarray
        (vertex, 3) float64: position along each spatial axis in array order (z, y, x), in `units`, with translation.
    triangles : numpy.ndarray
        (triangle, 3) int32: vertices of each triangle, counter-clockwise seen from outside where the axes, in array
        order, are a right-handed frame: the volume enclosed is positive. Files have x, y, z and the order turned.
    label : int
        Label value, or number of the class.
    name : str
        Name of the label.
    color : tuple of int or None
        RGBA in 0..255.
    units : tuple of str or None
        Unit of each axis (``"micrometer"``, ...), None where unknown.
    values : mapping of str to numpy.ndarray
        (vertex,) float32 of each value by name: distance, probability, disagreement.
    error : float
        Largest distance by which simplification moved the surface, in `units`; 0 where nothing was simplified.
    """

    vertices: Array
    triangles: Array
    label: int = 1
    name: str = ""
    color: tuple[int, int, int, int] | None = None
    units: tuple[str | None, ...] = (None, None, None)
    values: Mapping[str, Array] = field(default_factory=dict)
    error: float = 0.0
