"""Draws the patches of the setting that is looked at while the box is ticked."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject

from napari_seamless._napari.patch_grid import PatchGrid
from napari_seamless._qt.tuning.parts import TuningParts
from napari_seamless._qt.tuning.setting_view import SettingView
from napari_seamless.errors import SeamlessError


class GridController(QObject):
    """Between the box "Patch grid", the state and the lines in the viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the lines.
    view, parts
        The widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: SettingView, parts: TuningParts) -> None:
        super().__init__(view)
        self._viewer, self._view, self._parts = viewer, view, parts
        self.grid: PatchGrid | None = None
        view.grid.toggled.connect(self._show)
        parts.tuning.events.candidate.connect(self._show)
        parts.tuning.events.tuner.connect(self._on_tuner)

    def close(self) -> None:
        """Take the lines away."""
        if self.grid is not None:
            self.grid.close()
            self.grid = None

    def _on_tuner(self, *_: object) -> None:
        self.close()
        self._show()

    def _show(self, *_: object) -> None:
        tuner = self._parts.tuning.tuner
        if tuner is None or not self._view.grid.isChecked():
            self.close()
            return
        try:
            plan = tuner.plan(self._parts.tuning.candidate, whole=True)
        except SeamlessError as error:
            self._parts.state.say(str(error), "error")
            return
        if self.grid is None:
            self.grid = PatchGrid(self._viewer, tuner.volume, tuner.region)
        self.grid.show(plan)
