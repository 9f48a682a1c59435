"""The colours that a labels layer gives its labels."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_seamless.engine.mesh.finishing import label_color

Color = tuple[int, int, int, int]

_GREYS = frozenset({"gray", "gray_r", "grays"})


@dataclass(frozen=True, slots=True, eq=False)
class Coloring:
    """A layer whose values colour surfaces.

    Parameters
    ----------
    name : str
        Of the values.
    layer : napari.layers.Image
        Holds the values.
    colormap : napari.utils.Colormap or None
        That of the layer; None where it is grey or lets things shine through, which hides shades of the light.
    limits : tuple of float
        Contrast limits of the layer; they go with its colormap.
    """

    name: str
    layer: Any
    colormap: Any
    limits: tuple[float, float]

    @classmethod
    def of(cls, layer: Any) -> Coloring:
        """Return what a layer looks like now."""
        own = layer.colormap if layer.colormap.name not in _GREYS and np.all(layer.colormap.colors[:, 3] >= 1) else None
        low, high = layer.contrast_limits
        return cls(layer.name, layer, own, (float(low), float(high)))


class LabelColors:
    """Colours of labels as they were when this was made; may be asked from any thread.

    Parameters
    ----------
    layer : napari.layers.Layer or None
        A labels layer; any other leaves labels in colours of their own, as does a label that the layer hides.
    """

    def __init__(self, layer: Any) -> None:
        self._colormap = copy.deepcopy(layer.colormap) if hasattr(layer, "selected_label") else None
        if self._colormap is not None:
            self._colormap.use_selection = False
        self._lock = threading.Lock()

    def __call__(self, labels: Sequence[int]) -> list[Color]:
        """Return RGBA in 0..255 of each label, all opaque."""
        if self._colormap is None or not len(labels):
            return [label_color(label) for label in labels]
        with self._lock:
            mapped = np.asarray(self._colormap.map(np.asarray(labels, np.int64)), np.float64)
        shown = np.rint(255 * mapped).astype(int).tolist()
        return [
            (red, green, blue, 255) if alpha else label_color(label)
            for label, (red, green, blue, alpha) in zip(labels, shown, strict=True)
        ]
