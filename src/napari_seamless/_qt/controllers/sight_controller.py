"""Lets a run finish first what the viewer shows."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, QTimer

from napari_seamless._napari.in_sight import box_in_sight
from napari_seamless._qt.state import WindowState
from napari_seamless._qt.views.run_view import RunView
from napari_seamless.types import Box, Volume

LOOK_MS = 200


class SightController(QObject):
    """Between the viewer, the box to tick in `RunView`, and the control of a run.

    While a run goes on it looks five times a second where slice, camera and canvas are, instead of listening to each of
    them: a drag sends hundreds of events, and one look costs less than most of them.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose view is followed.
    view : RunView
        Says whether to follow.
    state : WindowState
        Knows the layer that shows the volume.
    """

    def __init__(self, viewer: Any, view: RunView, state: WindowState) -> None:
        super().__init__(view)
        self._viewer, self._view, self._state = viewer, view, state
        self._control: Any = None
        self._layer: Any = None
        self._volume: Volume | None = None
        self._told: Box | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        view.look_first.toggled.connect(self.look)

    def follow(self, control: Any, volume: Volume) -> None:
        """Tell the control of a run over a volume what is in sight, now and until `stop`."""
        self._control, self._volume, self._layer = control, volume, self._state.layer
        self._told = None
        if self._layer is not None:
            self.look()
            self._timer.start()

    def stop(self) -> None:
        """Let go of the run."""
        self._timer.stop()
        self._control = self._volume = self._layer = None

    def look(self, *_: object) -> None:
        """Tell what is in sight where that has changed."""
        if self._control is None or self._volume is None or self._layer is None:
            return
        wanted = self._view.look_first.isChecked()
        box = box_in_sight(self._viewer, self._layer, self._volume) if wanted else None
        if box != self._told:
            self._told = box
            self._control.look_at(box)
