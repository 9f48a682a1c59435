"""Surfaces as one napari layer: all triangles together, coloured by label or by a value at every vertex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from napari.types import LayerDataTuple
from napari.utils.colormaps import Colormap

from napari_seamless._napari.surface_layer_colors import Coloring
from napari_seamless._napari.tuning_layers import add_layer, is_there
from napari_seamless.types import Surface

MARK = "napari-seamless meshes"
"""Key of the metadata of a layer of meshes, which holds the name of the layer that they were made of."""
_COLORS = ("#3b5fae", "#6fb3d3", "#f3efcf", "#f2a65a", "#cf4b3b")
"""Light, so that shades can be told from values."""
_RANGE = (1, 99)
"""Percentiles of values that get the first and the last colour."""

Array = np.ndarray[Any, Any]


def surface_layer(surfaces: Sequence[Surface], value: Coloring | None = None, **arguments: Any) -> LayerDataTuple:
    """Return all surfaces as one layer, lit smoothly; thousands of layers would be too many for a viewer.

    Parameters
    ----------
    surfaces : sequence of Surface
        At least one.
    value : Coloring or None
        Which of their values gives the colours; None: the colour of each.
    **arguments : object
        More of the layer, such as its name.
    """
    vertices, triangles = joined(surfaces)
    # where units are unknown a layer counts in pixels
    chosen: dict[str, Any] = {"units": [unit or "pixel" for unit in surfaces[0].units], "shading": "smooth"}
    if value is None:
        return (vertices, triangles), chosen | {"vertex_colors": vertex_colors(surfaces)} | arguments, "surface"
    values, limits = vertex_values(surfaces, value.name)
    colored: dict[str, Any] = {"colormap": value_colors(), "contrast_limits": limits}
    if value.colormap is not None:
        colored = {"colormap": value.colormap, "contrast_limits": value.limits}
    return (vertices, triangles, values), chosen | colored | arguments, "surface"


def show_surfaces(viewer: Any, layer: Any, layer_tuple: LayerDataTuple) -> Any:
    """Put surfaces into a layer that the viewer has, or else into a new one; returns the layer."""
    data, arguments, kind = layer_tuple
    if layer is None or not is_there(viewer, layer):
        metadata = arguments.pop("metadata", {})
        layer = add_layer(viewer, (data, arguments, kind))
        layer.metadata.update(metadata)
        return layer
    # what is drawn between two of these lines must fit together
    layer.vertex_colors = None
    layer.data = data
    if "vertex_colors" in arguments:
        layer.vertex_colors = arguments["vertex_colors"]
    else:
        layer.colormap, layer.contrast_limits = arguments["colormap"], arguments["contrast_limits"]
    if "affine" in arguments:
        layer.affine = arguments["affine"]
    return layer


def joined(surfaces: Sequence[Surface]) -> tuple[Array, Array]:
    """Return the vertices (n, 3) float32 and triangles (m, 3) int32 of all surfaces."""
    vertices = np.concatenate([surface.vertices for surface in surfaces]).astype(np.float32)
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
    parts = [surface.triangles + start for surface, start in zip(surfaces, starts[:-1], strict=True)]
    return vertices, np.concatenate(parts).astype(np.int32)


def vertex_colors(surfaces: Sequence[Surface]) -> Array:
    """Return the colour of every vertex of all surfaces, (n, 4) float32 in 0..1; white where a surface has none."""
    colors = np.array([surface.color or (255, 255, 255, 255) for surface in surfaces], np.float32) / 255
    return np.repeat(colors, [len(surface.vertices) for surface in surfaces], axis=0)


def vertex_values(surfaces: Sequence[Surface], name: str) -> tuple[Array, tuple[float, float]]:
    """Return a value at every vertex of all surfaces, and the range that nearly all of them lie in."""
    values = np.concatenate([surface.values[name] for surface in surfaces]).astype(np.float32)
    known = np.isfinite(values)
    low, high = map(float, np.percentile(values[known], _RANGE)) if known.any() else (0.0, 1.0)
    return np.where(known, values, low).astype(np.float32), (low, high if high > low else low + 1.0)


def value_colors() -> Colormap:
    """Return blue for low values, and red for high ones."""
    return Colormap(
        [tuple(int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)) for text in _COLORS], name="surface value"
    )


def made_of(layer: Any) -> Mapping[str, Any] | None:
    """Return what a layer of meshes tells of its origin; None for other layers."""
    found: Mapping[str, Any] | None = layer.metadata.get(MARK)
    return found
