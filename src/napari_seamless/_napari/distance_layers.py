"""Signed distance maps as image layers: one for each class, coloured symmetrically around zero."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from napari.types import LayerDataTuple
from napari.utils.colormaps import Colormap

from napari_seamless._napari.layers import image_layer
from napari_seamless._napari.tuning_layers import add_layer, is_there
from napari_seamless.distance import Convention
from napari_seamless.types import Volume
from napari_seamless.volume import at

MARK = "napari-seamless distance"
"""Key of the metadata of a layer, which holds its `DistanceMark`."""

MOST_SAMPLED = 2**22
"""Voxels that are looked at to choose the range of the colours."""

_COLORS = ("#0b3c8c", "#2f7fc4", "#9ccbe6", "#fbfaf6", "#f7c188", "#e07b2c", "#a23c0a")
_SHARE = 90
"""Percentile of the distances on the side that reaches less far; what is beyond it has the last colour."""


@dataclass(frozen=True, slots=True)
class DistanceMark:
    """What the values of a distance layer say.

    Parameters
    ----------
    name : str
        Of the class.
    value : int
        Its label.
    unit : str or None
        Of the distances.
    convention : {"published", "exact"}
        What was measured.
    limit : float or None
        Where distances are cut.
    path : str or None
        Of the OME-Zarr; None in memory.
    """

    name: str
    value: int
    unit: str | None
    convention: Convention
    limit: float | None = None
    path: str | None = None


def distance_layers(
    volume: Volume, marks: Sequence[DistanceMark], placement: Mapping[str, Any] | None = None
) -> list[LayerDataTuple]:
    r"""Return one image layer for each class; the first class that is not the background is visible.

    Reads the coarsest level, so call it off the main thread.

    Parameters
    ----------
    volume : Volume
        (class, \*space) float32.
    marks : sequence of DistanceMark
        One for each class.
    placement : mapping of str to object, optional
        Rotation, shear and affine transform of the labels' layer.
    """
    shown = next((i for i, mark in enumerate(marks) if mark.value != 0), 0)
    # napari puts what is added last on top; the background comes last of all
    order = sorted(range(len(marks)), key=lambda i: (marks[i].value != 0, -i))
    return [_one_class(class_volume(volume, i), marks[i], placement or {}, visible=i == shown) for i in order]


def add_distance_layers(viewer: Any, layers: Sequence[LayerDataTuple]) -> list[Any]:
    """Add layers to a viewer on top, in place of those that show the same file."""
    paths = {arguments["metadata"][MARK].path for _, arguments, _ in layers} - {None}
    for layer in [layer for layer in viewer.layers if _path_of(layer) in paths]:
        viewer.layers.remove(layer)
    added = []
    for data, arguments, kind in layers:
        rest = dict(arguments)
        metadata, reach = rest.pop("metadata"), rest.pop("reach")
        layer = add_layer(viewer, (data, rest, kind))
        layer.metadata.update(metadata)
        limits = layer.contrast_limits
        layer.contrast_limits_range = (-reach, reach)
        layer.contrast_limits = limits
        added.append(layer)
    if added and is_there(viewer, added[-1]):
        viewer.layers.selection.active = added[-1]
    return added


def class_volume(volume: Volume, index: int) -> Volume:
    """Return one class: a view where the map is in memory, else lazy arrays that people can calculate with."""
    chosen, axis = at(volume, c=index), volume.axes.index("c")
    levels = [
        dataclasses.replace(level, data=_taken(whole.data, level.data, index, axis))
        for whole, level in zip(volume.levels, chosen.levels, strict=True)
    ]
    return dataclasses.replace(chosen, levels=tuple(levels))


def diverging() -> Colormap:
    """Return blue inside a class, white at its border, and brown outside."""
    colors = [tuple(int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)) for text in _COLORS]
    return Colormap(colors, name="signed distance")


def coarse_part(volume: Volume, most: int) -> np.ndarray[Any, Any]:
    """Return the middle planes of the coarsest level, of about `most` voxels."""
    data = volume.levels[-1].data
    plane = int(np.prod(data.shape[1:], dtype=np.int64))
    planes = min(data.shape[0], max(1, most // max(1, plane)))
    start = (data.shape[0] - planes) // 2
    return np.asarray(data[(slice(start, start + planes),)])


def colour_limit(values: np.ndarray[Any, Any]) -> float:
    """Return the distance that gets the last colour on both sides.

    Outside a class distances go on to the corners of the volume, inside it they are small: a range that fits both
    leaves no colours to the inside. The side that reaches less far decides, as long as the other one keeps some.

    Examples
    --------
    >>> colour_limit(np.array([-3.0, 2.0])), colour_limit(np.array([-2.0, 40.0]))
    (2.0, 5.0)
    """
    flat = values[np.isfinite(values)]
    sides = [float(np.percentile(side, _SHARE)) for side in (-flat[flat < 0], flat[flat > 0]) if side.size]
    if not sides:
        return 1.0
    return max(min(sides), max(sides) / 8)


def _one_class(volume: Volume, mark: DistanceMark, placement: Mapping[str, Any], *, visible: bool) -> LayerDataTuple:
    values = coarse_part(volume, MOST_SAMPLED)
    limit = colour_limit(values)
    data, arguments, kind = image_layer(
        volume,
        name=f"distance to {mark.name}",
        colormap=diverging(),
        contrast_limits=(-limit, limit),
        opacity=0.75,
        blending="translucent",
        visible=visible,
        # in 3D what lies deepest inside is seen, and not the corners of the volume
        rendering="minip",
        **placement,
    )
    reach = max(limit, float(np.abs(values).max(initial=0.0)))
    return data, arguments | {"metadata": {MARK: mark}, "reach": reach}, kind


def _taken(whole: Any, chosen: Any, index: int, axis: int) -> Any:
    if isinstance(whole, np.ndarray):
        return np.moveaxis(whole, axis, 0)[index]
    return da.from_array(chosen, chunks=getattr(chosen, "chunks", "auto"), name=False, inline_array=True)


def _path_of(layer: Any) -> str | None:
    mark = layer.metadata.get(MARK)
    return None if mark is None else mark.path
