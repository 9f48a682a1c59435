"""What a person paints as a layer: napari's own brush, and an array that never fails in the middle of a stroke."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.layers import Labels, Layer

from napari_seamless._napari.layers import Color, labels_layer
from napari_seamless._napari.tuning_layers import is_there, region_volume
from napari_seamless.errors import SeamlessError
from napari_seamless.types import Box, Volume

NAME = "Corrections"
OPACITY = 0.7
MOST_IN_3D = 2**27
"""Voxels of a layer that is shown in 3D: napari asks for all of them at once there."""


class PaintedData:
    """A painting as napari's brush wants it: refusals are told, and never raised in the middle of a stroke.

    Where a part cannot be read, zeros are shown and nothing more is painted: a brush writes back what it has read.

    Parameters
    ----------
    painting : Painting
        What is shown and painted on.
    on_refused : callable
        Takes the error of a stroke that is not kept.
    """

    def __init__(self, painting: Any, on_refused: Callable[[SeamlessError], None]) -> None:
        self.painting, self._on_refused = painting, on_refused
        self._unreadable: SeamlessError | None = None
        self.shape, self.dtype, self.ndim, self.size = painting.shape, painting.dtype, painting.ndim, painting.size
        self._blank = np.broadcast_to(self.dtype.type(0), self.shape)

    def __getitem__(self, key: Any) -> Any:
        if self.size > MOST_IN_3D and self._blank[key].size > MOST_IN_3D:
            # napari asks for everything as it turns to 3D, before anybody can hide the layer
            return np.zeros((1,) * self._blank[key].ndim, self.dtype)
        try:
            return self.painting[key]
        except SeamlessError as error:
            if self._unreadable is None:
                self._on_refused(error)
            self._unreadable = error
            return np.zeros(self._blank[key].shape, self.dtype)

    def __setitem__(self, key: Any, value: Any) -> None:
        try:
            if self._unreadable is not None:
                raise self._unreadable
            self.painting[key] = value
        except SeamlessError as error:
            self._on_refused(error)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.painting, dtype=dtype)

    def __len__(self) -> int:
        return int(self.shape[0])


class CorrectionsLayer:
    """A labels layer over a painting; again with its painting where it was removed.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layer.
    volume : Volume
        The input; its geometry is that of the layer.
    data : PaintedData
        What is painted.
    names : sequence of str
        Of the classes; the class with index k is painted as k + 1.
    colors : sequence of RGBA
        Of the classes.
    """

    def __init__(
        self, viewer: Any, volume: Volume, data: PaintedData, names: Sequence[str], colors: Sequence[Color]
    ) -> None:
        self._viewer, self._hidden = viewer, False
        blank = np.broadcast_to(data.dtype.type(0), data.shape)
        whole = Box((0,) * data.ndim, data.shape)
        _, arguments, kind = labels_layer(
            region_volume(volume, whole, blank, NAME),
            colors=((0, 0, 0, 0), *colors),
            names={0: "unpainted", **{index + 1: name for index, name in enumerate(names)}},
            opacity=OPACITY,
        )
        self.layer: Labels = Layer.create(data, arguments, kind)
        self.layer.metadata["napari-seamless corrections"] = str(data.painting.folder)
        if data.size > MOST_IN_3D:
            viewer.dims.events.ndisplay.connect(self._follow)
            self._follow()
        self.show()

    @property
    def is_there(self) -> bool:
        """Whether the viewer has the layer."""
        return is_there(self._viewer, self.layer)

    def show(self) -> None:
        """Add the layer where it is not, below nothing else."""
        if not self.is_there:
            # napari describes what lies under the cursor, and fails in 3D where the cursor has not moved
            over, self._viewer.mouse_over_canvas = self._viewer.mouse_over_canvas, False
            self._viewer.add_layer(self.layer)
            self._viewer.mouse_over_canvas = over

    def take(self, value: int) -> None:
        """Let a person paint a value with napari's brush, or erase with 0."""
        self.show()
        self._viewer.layers.selection.active = self.layer
        if value:
            self.layer.selected_label = value
        self.layer.mode = "paint" if value else "erase"

    def let_go(self, *, closed: bool) -> None:
        """Stop following the viewer; a closed painting can be looked at, but not painted on."""
        self._viewer.dims.events.ndisplay.disconnect(self._follow)
        if closed:
            self.layer.mode = "pan_zoom"
            self.layer.editable = False

    def _follow(self, *_: object) -> None:
        """Hide a large layer in 3D, and show it when the slice is flat again."""
        flat = self._viewer.dims.ndisplay == 2
        if not flat and self.layer.visible:
            self.layer.visible, self._hidden = False, True
        elif flat and self._hidden:
            self.layer.visible, self._hidden = True, False
