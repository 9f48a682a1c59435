"""Shows what the network says of the middle of the view, while it is refined too."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from qtpy.QtCore import QObject

from napari_seamless._napari.in_sight import box_in_sight, to_voxels
from napari_seamless._napari.preview_layer import PreviewLayer
from napari_seamless._qt.correcting.parts import CorrectingParts
from napari_seamless._qt.correcting.refine_view import RefineView
from napari_seamless._qt.correcting.session import Session
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.rest import rest
from napari_seamless.engine import Segmentation
from napari_seamless.engine.classes import class_colors
from napari_seamless.errors import RunCancelledError
from napari_seamless.training.preview import part_in_sight
from napari_seamless.types import Box

REST_MS = 400
"""From the last move of the view to a preview of it."""
PAUSE_MS = 1500
"""From one preview to the next while the network learns: both share the processor."""
PAUSES = 2.0
"""A pause is at least so many times as long as the preview before it."""
WANTED_SECONDS = 4.0
FIRST_PATCHES, MOST_PATCHES = 4, 64


class PreviewController(QObject):
    """Between the view of the viewer, the network as it is now, and the layer of the preview.

    One preview is made at a time, on a thread, of so many patches as about four seconds allow. A view that moves
    cancels the one under way; a network that changes waits for its end.

    Parameters
    ----------
    viewer : napari.Viewer
        Its view is followed; gets the layer.
    view, parts
        The widget with the box, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: RefineView, parts: CorrectingParts) -> None:
        super().__init__(view)
        self._viewer, self._view, self._parts = viewer, view, parts
        self._correcting = parts.correcting
        self.layer: PreviewLayer | None = None
        self._control: Any = None
        self._n_patches = FIRST_PATCHES
        self._shown: tuple[Box, int] | None = None
        self._soon = rest(self, REST_MS, self._start)
        self._later = rest(self, PAUSE_MS, self._start)
        view.preview_asked.connect(self._on_asked)
        self._correcting.events.session.connect(self._on_session)
        self._correcting.events.revision.connect(self._on_revision)
        dims, camera = viewer.dims.events, viewer.scene.camera.events
        self._events = (dims.point, dims.order, dims.ndisplay, camera.center, camera.zoom)
        for event in self._events:
            event.connect(self._on_view)

    def close(self) -> None:
        """Stop listening, and what is under way; the layer stays."""
        self._soon.stop()
        self._later.stop()
        self._cancel()
        for event in self._events:
            event.disconnect(self._on_view)

    def _on_session(self, *_: object) -> None:
        self._cancel()
        if self.layer is not None:
            self.layer.remove()
        session = self._correcting.session
        self.layer, self._shown, self._n_patches = None, None, FIRST_PATCHES
        if session is not None:
            colors = class_colors(session.refiner.spec, session.classes)
            self.layer = PreviewLayer(self._viewer, session.volume, session.classes, colors)
            self._soon.start()

    def _on_asked(self, asked: bool) -> None:
        if asked:
            self._start()
        else:
            self._cancel()
            self._shown = None
            if self.layer is not None:
                self.layer.remove()

    def _on_view(self, *_: object) -> None:
        if self.layer is not None and self._view.preview.isChecked():
            self._soon.start()

    def _on_revision(self, *_: object) -> None:
        if not self._later.isActive() and self._control is None:
            self._later.start() if self._parts.state.phase.busy else self._soon.start()

    def _start(self) -> None:
        """Look at what is in sight, unless it is shown already."""
        session = self._correcting.session
        if session is None or not self._view.preview.isChecked():
            return
        box = self._box(session)
        wanted = None if box is None else (box, self._correcting.revision)
        if box is None or wanted == self._shown:
            return
        if self._control is not None:
            # only another view makes what is under way useless
            if self._shown is None or self._shown[0] != box:
                self._control.cancel()
            return
        control = self._control = self._parts.core.make_control()
        begin, revision = time.perf_counter(), self._correcting.revision
        self._parts.worker.start(
            lambda: session.preview(box, control),
            lambda done: self._on_done(session, (box, revision), done, time.perf_counter() - begin),
            lambda error: self._on_failed(session, error),
            name="preview",
        )

    def _on_done(self, session: Session, shown: tuple[Box, int], done: Segmentation, seconds: float) -> None:
        self._control = None
        if session is not self._correcting.session or self.layer is None or not self._view.preview.isChecked():
            return
        self.layer.show(shown[0], np.asarray(done.array))
        self._shown = shown
        self._choose_size(max(1, done.evaluated) / max(seconds, 1e-3))
        # the network gets most of the processor while it learns
        self._later.setInterval(max(PAUSE_MS, round(PAUSES * 1000 * seconds)))
        (self._later if self._parts.state.phase.busy else self._soon).start()

    def _choose_size(self, patches_per_second: float) -> None:
        """Follow the pace of the machine, but not its whims: a part that changes with each preview is restless."""
        affordable = min(MOST_PATCHES, max(1, int(WANTED_SECONDS * patches_per_second)))
        if not self._n_patches / 2 <= affordable <= 2 * self._n_patches:
            self._n_patches = affordable

    def _on_failed(self, session: Session, error: Exception) -> None:
        self._control = None
        if isinstance(error, RunCancelledError):
            self._soon.start()
        elif session is self._correcting.session:
            # the same would happen again with the next look
            self._view.preview.setChecked(False)
            self._parts.state.say(sentence(error), "error")

    def _cancel(self) -> None:
        if self._control is not None:
            self._control.cancel()

    def _box(self, session: Session) -> Box | None:
        """Return the middle of what is in sight; in 3D, a slice where the sliders stand."""
        volume, layer = session.volume, self._parts.state.layer
        if layer is None:
            return None
        box = box_in_sight(self._viewer, layer, volume)
        if box is None and self._viewer.dims.ndisplay == 3:
            point = to_voxels(self._viewer, layer, self._viewer.dims.point)
            box = None if point is None else _slice_at(point[-len(volume.spatial_shape) :], volume.spatial_shape)
        return None if box is None else part_in_sight(box, session.preview_patch, self._n_patches)


def _slice_at(point: np.ndarray, shape: tuple[int, ...]) -> Box:
    """Return the slice of the first axis that holds a voxel."""
    first = min(max(0, round(float(point[0]))), shape[0] - 1)
    return Box((first, *(0,) * (len(shape) - 1)), (first + 1, *shape[1:]))
