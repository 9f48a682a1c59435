"""What a network says of the part of a volume that is in sight, as one layer that moves along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_seamless._napari.layers import Color, labels_layer
from napari_seamless._napari.tuning_layers import add_layer, is_there, region_volume, remove_layer
from napari_seamless.types import Box, Volume

NAME = "refined preview"
OPACITY = 0.4


class PreviewLayer:
    """A labels layer over a box of a volume, made with the first one.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layer.
    volume : Volume
        The input; its geometry is that of the layer.
    names : sequence of str
        Of the labels, background first.
    colors : sequence of RGBA
        Of the labels; the background is not drawn.
    """

    def __init__(self, viewer: Any, volume: Volume, names: Sequence[str], colors: Sequence[Color]) -> None:
        self._viewer, self._volume = viewer, volume
        self._names, self._colors = names, colors
        self.layer: Any = None
        self.box: Box | None = None

    @property
    def is_there(self) -> bool:
        """Whether the viewer has the layer."""
        return self.layer is not None and is_there(self._viewer, self.layer)

    def show(self, box: Box, labels: np.ndarray) -> None:
        r"""Show the labels (\*box) of a box."""
        volume = region_volume(self._volume, box, labels, NAME)
        if not self.is_there:
            made = labels_layer(volume, colors=self._colors, names=dict(enumerate(self._names)), opacity=OPACITY)
            self.layer = add_layer(self._viewer, made)
            self._put_below_paint()
        elif self.box == box:
            self.layer.data[...] = labels
            self.layer.refresh(thumbnail=False, highlight=False, extent=False)
        else:
            self.layer.data = labels
            self.layer.translate = volume.translation
        self.box = box

    def remove(self) -> None:
        """Take the layer out of the viewer, where it is."""
        if self.layer is not None:
            remove_layer(self._viewer, self.layer)
            self.layer = self.box = None

    def _put_below_paint(self) -> None:
        """Let corrections lie above the preview."""
        layers = self._viewer.layers
        paint = [i for i, layer in enumerate(layers) if layer.metadata.get("napari-seamless corrections")]
        if paint and paint[0] < len(layers) - 1:
            layers.move(len(layers) - 1, paint[0])
