"""Result layers that fill while a run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.layers import Layer
from napari.types import LayerDataTuple
from qtpy.QtCore import QObject, QTimer

from napari_seamless.types import Box

REFRESH_MS = 200
LOOK_BACK_MS = 50
BUSY_SHARE = 4
"""After a refresh and the drawing that follows it, a rest this many times as long keeps the window free."""


class GrowingLayers(QObject):
    """Adds the result's layers and redraws them, at most five times a second, when a finished box is in view.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layers go.
    layers : sequence of LayerDataTuple
        The result, empty so far.
    on_removed : callable
        Called once, when a person removes one of the layers.
    """

    def __init__(self, viewer: Any, layers: Sequence[LayerDataTuple], on_removed: Callable[[], None]) -> None:
        super().__init__()
        self._viewer = viewer
        self._on_removed = on_removed
        self._refreshed_at = 0.0
        self._refresh_soon = _once(self, REFRESH_MS, self._refresh)
        self._look_back = _once(self, LOOK_BACK_MS, self._rest)
        self.layers: list[Layer] = []
        for layer_tuple in layers:
            layer = Layer.create(*layer_tuple)
            layer.metadata["napari-seamless result"] = True
            # Painting into an array that another thread writes would be lost without a word.
            layer.editable = False
            self.layers.append(layer)
            _add(viewer, layer)
        viewer.layers.events.removed.connect(self._on_layer_removed)

    def add(self, box: Box) -> None:
        """Note that a box can be read; it is drawn soon if the view shows any of it."""
        if not self._refresh_soon.isActive() and any(self._shows(layer, box) for layer in self.layers):
            self._refresh_soon.start()

    def finish(self) -> None:
        """Draw once more, with thumbnails, let people paint, and stop listening."""
        self.close()
        for layer in self.layers:
            layer.editable = True
            layer.refresh(extent=False)

    def close(self) -> None:
        """Stop drawing and listening."""
        self._refresh_soon.stop()
        self._look_back.stop()
        self._viewer.layers.events.removed.disconnect(self._on_layer_removed)

    def _refresh(self) -> None:
        begin = time.perf_counter()
        for layer in self.layers:
            layer.refresh(thumbnail=False, highlight=False, extent=False)
        self._refreshed_at = begin
        self._look_back.start()

    def _rest(self) -> None:
        """Choose the next pause by how late the event loop is: it has drawn meanwhile, slowly in 3D without a GPU."""
        busy_ms = 1000 * (time.perf_counter() - self._refreshed_at) - LOOK_BACK_MS
        self._refresh_soon.setInterval(max(REFRESH_MS, round(BUSY_SHARE * busy_ms)))

    def _on_layer_removed(self, event: Any) -> None:
        removed = [layer for layer in self.layers if event.value == layer]
        if removed:
            self.layers = [layer for layer in self.layers if layer not in removed]
            self._on_removed()

    def _shows(self, layer: Layer, box: Box) -> bool:
        """Return whether the current slice meets a box of the layer's finest level."""
        dims = self._viewer.dims
        if not layer.visible:
            return False
        if tuple(layer.units) != tuple(dims.units or layer.units)[-layer.ndim :]:
            return True
        point = np.asarray(layer.world_to_data(dims.point))
        skipped = dims.ndim - layer.ndim
        hidden = [axis - skipped for axis in dims.not_displayed if axis >= skipped]
        return all(box.start[i] - 1 <= point[i] <= box.stop[i] for i in hidden)


def _once(parent: QObject, milliseconds: int, work: Callable[[], None]) -> QTimer:
    """Return a timer that fires once each time it is started."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(work)
    return timer


def _add(viewer: Any, layer: Layer) -> None:
    """Add a layer while the cursor counts as outside the canvas.

    napari describes what lies under the cursor as soon as a layer is added, and fails in 3D where the cursor rests on
    the canvas and has not moved since the view was turned to 3D.
    """
    over = viewer.mouse_over_canvas
    viewer.mouse_over_canvas = False
    try:
        viewer.add_layer(layer)
    finally:
        viewer.mouse_over_canvas = over
