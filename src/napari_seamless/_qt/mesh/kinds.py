"""What the voxels of a layer are."""

from __future__ import annotations

from typing import Any

from napari_seamless._napari.distance_layer_marks import mark_of
from napari_seamless._napari.surface_layer import made_of
from napari_seamless.engine.mesh import Kind
from napari_seamless.types import Volume


def is_labels(layer: Any) -> bool:
    """Return whether a layer shows labels."""
    return hasattr(layer, "selected_label")


def is_image(layer: Any) -> bool:
    """Return whether a layer is an image of numbers."""
    return hasattr(layer, "rgb") and not layer.rgb and made_of(layer) is None


def kind_of(layer: Any, volume: Volume) -> Kind:
    """Return what a layer's voxels are taken for until a person says otherwise.

    Integers of more than 8 bits, and booleans, are labels that were opened as an image. Values below 0 make a distance
    map.
    """
    if is_labels(layer) or volume.dtype.kind == "b" or (volume.dtype.kind in "iu" and volume.dtype.itemsize > 1):
        return "labels"
    if mark_of(layer) is not None or layer.contrast_limits[0] < 0:
        return "distance"
    return "probabilities"
