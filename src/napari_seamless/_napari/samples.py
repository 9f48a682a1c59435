"""The sample data contributions."""

from __future__ import annotations

from napari.types import LayerDataTuple

from napari_seamless import samples
from napari_seamless._napari.layers import image_layer, labels_layer


def open_brain() -> list[LayerDataTuple]:
    """Return the MNI152 T1 template and its reference labels."""
    image, labels = samples.brain()
    return [image_layer(image), _hidden(labels_layer(labels, colors=BRAIN_COLORS))]


def open_nuclei() -> list[LayerDataTuple]:
    """Return a stack of nuclei and its instance labels."""
    image, labels = samples.nuclei()
    return [image_layer(image), _hidden(labels_layer(labels))]


BRAIN_COLORS = ((0, 0, 0, 0), (240, 200, 120, 255), (214, 96, 122, 255))
"""RGBA of background, white and grey matter where the labels bring no colours of their own."""


def _hidden(layer: LayerDataTuple) -> LayerDataTuple:
    """Return the layer switched off: the reference is for comparison, the image comes first."""
    data, arguments, kind = layer
    return data, arguments | {"visible": False}, kind
