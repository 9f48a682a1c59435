"""Volumes as layers: the same voxels, spacing, units and axis names, read lazily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dask.array as da
import numpy as np
from napari.types import LayerDataTuple
from napari.utils.colormaps import Colormap, DirectLabelColormap

from napari_seamless.types import NON_SPATIAL_AXES, Volume

Color = tuple[int, int, int, int]
MAX_SAMPLE = 2_000_000
"""Voxels read at most to find the contrast limits of an image."""


def layer_data(volume: Volume) -> Any:
    """Return what a layer shows: the array itself, or dask arrays for a pyramid.

    napari reads a raw pyramid of zarr arrays far too often; one level is shown best as it is.
    """
    if len(volume.levels) == 1:
        return volume.data
    return [_lazy(level.data) for level in volume.levels]


def image_layer(volume: Volume, **arguments: Any) -> LayerDataTuple:
    """Return a volume as an image layer; reads one coarse plane, so call it off the main thread."""
    limits = contrast_limits(volume)
    chosen = {"colormap": "gray", "rgb": False, "contrast_limits": limits, **arguments}
    return layer_data(volume), _arguments(volume) | chosen, "image"


def labels_layer(
    volume: Volume, *, colors: Sequence[Color] = (), names: Mapping[int, str] | None = None, **arguments: Any
) -> LayerDataTuple:
    """Return a volume as a labels layer with class names to hover and, where given, the colours of the classes."""
    names = volume.label_names if names is None else names
    chosen: dict[str, Any] = {"opacity": 0.6}
    if names:
        chosen["features"] = {"index": np.array(list(names)), "class": np.array(list(names.values()), dtype=object)}
    if colors:
        table = {value: np.asarray(color) / 255 for value, color in enumerate(colors)}
        chosen["colormap"] = DirectLabelColormap(color_dict=table | {0: np.zeros(4), None: np.zeros(4)})
    return layer_data(volume), _arguments(volume) | chosen | arguments, "labels"


def probability_layers(volume: Volume, classes: Sequence[str], colors: Sequence[Color] = ()) -> list[LayerDataTuple]:
    """Return one image layer per class but the background of a volume whose first axis is the class."""
    n_classes = volume.shape[volume.axes.index("c")]
    first = 1 if n_classes > 1 else 0
    return [_one_class(volume, index, classes, colors) for index in range(first, n_classes)]


def contrast_limits(volume: Volume) -> tuple[float, float]:
    """Return the range of the middle plane of the coarsest level, cut at its 99.9th percentile."""
    data = volume.levels[-1].data
    spatial = [i for i, axis in enumerate(volume.axes) if axis not in NON_SPATIAL_AXES]
    index: list[Any] = [slice(None)] * len(data.shape)
    for axis in range(len(index)):
        if axis in spatial[-2:]:
            stride = max(1, data.shape[axis] // 1024)
            index[axis] = slice(None, None, stride)
        elif axis in spatial or volume.axes[axis] != "c":
            index[axis] = data.shape[axis] // 2
    plane = np.asarray(data[tuple(index)], dtype=np.float64).ravel()[:MAX_SAMPLE]
    plane = plane[np.isfinite(plane)]
    low, high = (float(plane.min()), float(np.percentile(plane, 99.9))) if plane.size else (0.0, 1.0)
    return (low, high) if high > low else (low, low + 1)


def _arguments(volume: Volume, axes: Sequence[str] | None = None) -> dict[str, Any]:
    """Return name and geometry; axes that are not spatial count from 0 in steps of 1."""
    axes = volume.axes if axes is None else axes
    spatial = dict(
        zip(volume.spatial_axes, zip(volume.spacing, volume.translation, volume.units, strict=True), strict=True)
    )
    geometry = [spatial.get(axis, (1.0, 0.0, None)) for axis in axes]
    return {
        "name": volume.name,
        "scale": [spacing for spacing, _, _ in geometry],
        "translate": [shift for _, shift, _ in geometry],
        "units": [unit or "pixel" for _, _, unit in geometry],
        "axis_labels": list(axes),
        "multiscale": len(volume.levels) > 1,
        # napari's own cache would show chunks as they were before the run wrote them.
        "cache": False,
    }


def _one_class(volume: Volume, index: int, classes: Sequence[str], colors: Sequence[Color]) -> LayerDataTuple:
    axis = volume.axes.index("c")
    levels = [_taken(level.data, index, axis) for level in volume.levels]
    arguments = _arguments(volume, volume.spatial_axes) | {
        "name": f"{volume.name} {classes[index] if index < len(classes) else f'class {index}'}",
        "contrast_limits": (0.0, 255.0 if volume.dtype == np.uint8 else 1.0),
        "blending": "additive",
        "rgb": False,
    }
    if index < len(colors):
        color = np.asarray(colors[index][:3]) / 255
        arguments["colormap"] = Colormap([(0.0, 0.0, 0.0), color], name=f"class {index}")
    return levels if len(levels) > 1 else levels[0], arguments, "image"


def _taken(array: Any, index: int, axis: int) -> Any:
    """Return one class: a view where the array is in memory, for dask would keep a copy of what it holds now."""
    if isinstance(array, np.ndarray):
        return np.moveaxis(array, axis, 0)[index]
    return da.take(_lazy(array), index, axis=axis)


def _lazy(array: Any) -> da.Array:
    """Return a dask array whose blocks are the chunks of the store; nothing is remembered between reads."""
    if isinstance(array, da.Array):
        return array
    lazy: da.Array = da.from_array(
        array, chunks=getattr(array, "chunks", None) or "auto", name=False, inline_array=True
    )
    return lazy
