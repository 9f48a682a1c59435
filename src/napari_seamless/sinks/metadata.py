"""What an output says about itself, in the words of OME-Zarr 0.5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_seamless.sinks.pyramid import PyramidLevel
    from napari_seamless.sinks.sink import OutputSpec


def ome_attributes(spec: OutputSpec, levels: tuple[PyramidLevel, ...]) -> dict[str, Any]:
    """Return the group's attribute ``ome``: axes, levels in physical units, and labels or channels."""
    axes = [
        {"name": a, "type": "space"} | ({"unit": u} if u else {}) for a, u in zip(spec.axes, spec.units, strict=True)
    ]
    if not spec.is_labels:
        axes.insert(0, {"name": "c", "type": "channel"})
    ones, zeros = [1.0] * len(spec.leading), [0.0] * len(spec.leading)
    datasets = [
        {
            "path": str(i),
            "coordinateTransformations": [
                {"type": "scale", "scale": [*ones, *level_spacing(spec, level)]},
                {"type": "translation", "translation": [*zeros, *level_translation(spec, level)]},
            ],
        }
        for i, level in enumerate(levels)
    ]
    method = "mean" if spec.is_averaged else "nearest"
    ome: dict[str, Any] = {
        "version": "0.5",
        "multiscales": [{"name": spec.name, "axes": axes, "datasets": datasets, "type": method}],
    }
    return ome | (_image_label(spec) if spec.is_labels else _omero(spec))


def level_spacing(spec: OutputSpec, level: PyramidLevel) -> tuple[float, ...]:
    """Return the voxel size of a level."""
    return tuple(s * f for s, f in zip(spec.spacing, level.factors, strict=True))


def level_translation(spec: OutputSpec, level: PyramidLevel) -> tuple[float, ...]:
    """Return the centre of a level's first voxel: the cell's middle for means, else its first one."""
    shift = 0.5 if spec.is_averaged else 0.0
    return tuple(t + shift * (f - 1) * s for t, f, s in zip(spec.translation, level.factors, spec.spacing, strict=True))


def _image_label(spec: OutputSpec) -> dict[str, Any]:
    colors = [{"label-value": i, "rgba": list(rgba)} for i, rgba in enumerate(spec.colors)]
    properties = [{"label-value": i, "name": name} for i, name in enumerate(spec.classes)]
    # the format forbids empty lists
    return {"image-label": ({"colors": colors} if colors else {}) | ({"properties": properties} if properties else {})}


def _omero(spec: OutputSpec) -> dict[str, Any]:
    names = spec.channel_names
    colors = spec.colors or ((255, 255, 255, 255),) * len(names)
    limits = spec.limits or (_type_limits(spec.dtype),) * len(names)
    channels = [
        {
            "label": name,
            "color": "{:02X}{:02X}{:02X}".format(*rgba[:3]),
            "active": i > 0 or len(names) == 1,
            "window": {"start": low, "end": high, "min": low, "max": high},
        }
        for i, (name, rgba, (low, high)) in enumerate(zip(names, colors, limits, strict=True))
    ]
    return {"omero": {"channels": channels}}


def _type_limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the range of an integer type, and that of a probability for any other."""
    if dtype.kind not in "iu":
        return 0.0, 1.0
    return float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
