"""The correcting dock: makes views, state and controllers, and takes everything down again."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtWidgets import QVBoxLayout

from napari_seamless._qt.any_dock import AnyDock, plot_colors
from napari_seamless._qt.controllers.network_controller import NetworkController
from napari_seamless._qt.controllers.volume_controller import VolumeController
from napari_seamless._qt.core import Core, installed_core
from napari_seamless._qt.correcting.errors_controller import ErrorsController
from napari_seamless._qt.correcting.message_view import MessageView
from napari_seamless._qt.correcting.paint_controller import PaintController
from napari_seamless._qt.correcting.paint_view import PaintView
from napari_seamless._qt.correcting.parts import CorrectingParts
from napari_seamless._qt.correcting.preview_controller import PreviewController
from napari_seamless._qt.correcting.refine_controller import RefineController
from napari_seamless._qt.correcting.refine_view import RefineView
from napari_seamless._qt.correcting.session_controller import SessionController
from napari_seamless._qt.correcting.source_view import SourceView
from napari_seamless._qt.correcting.state import CorrectingState
from napari_seamless._qt.correcting.states_controller import StatesController
from napari_seamless._qt.correcting.states_view import StatesView
from napari_seamless._qt.dock import SegmentDock, find_segment_dock
from napari_seamless._qt.state import WindowState
from napari_seamless._qt.theme import Palette
from napari_seamless._qt.views.performance_view import PerformanceView
from napari_seamless._qt.views.step_column import StepColumn
from napari_seamless._qt.worker import Worker

PATIENCE_SECONDS = 60.0
"""For the thread of a refinement at the end: it keeps the best weights after the update that is under way."""


class CorrectDock(AnyDock):
    """Paint what a network gets wrong, refine it on that, and watch it get better.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose layers are offered and which gets corrections and preview.
    core : Core or None
        The functions of the core; None takes this package's own.
    """

    def __init__(self, napari_viewer: napari.Viewer, *, core: Core | None = None) -> None:
        super().__init__(napari_viewer, "correctDock")
        self.state, self.correcting, self.worker = WindowState(), CorrectingState(), Worker(self)
        self.parts = parts = CorrectingParts(self.state, self.correcting, self.worker, core or installed_core())
        self.source_view, self.paint_view, self.refine_view = SourceView(), PaintView(), RefineView()
        self.states_view, self.message_view = StatesView(), MessageView()
        self.performance_view = PerformanceView(
            5, "Mean error at painted voxels by the coordinate in the patch, of this refinement.", "Known after Refine."
        )
        self.state.events.message.connect(self.message_view.show_message)
        self.paint = PaintController(napari_viewer, self.paint_view, parts)
        self.refine_steps = RefineController(self.refine_view, parts)
        self.preview = PreviewController(napari_viewer, self.refine_view, parts)
        self.states = StatesController(self.states_view, parts, self.segment_dock)
        self.errors = ErrorsController(napari_viewer, self.performance_view, parts)
        self.network = NetworkController(self.source_view, parts.plain)
        self.session = SessionController(self.source_view, parts, self.network)
        self.volume = VolumeController(napari_viewer, self.source_view, parts.plain)
        self._lay_out()
        self._begin(_Closing(self))

    def choose(self, *, layer: Any = None, model: Any = None, folder: str | None = None) -> None:
        """Make the choices that a person would make by hand; the network is loaded in the background."""
        if layer is not None:
            self.volume.choose(layer)
        if folder is not None:
            self.source_view.folder.setText(folder)
        if model is not None:
            self.network.choose(model)

    def segment_dock(self) -> SegmentDock:
        """Return the dock that segments the volume; opens it where it is not."""
        return find_segment_dock(self, self.viewer)

    def _end(self) -> None:
        """Stop, wait for the threads, and write what was painted."""
        self.refine_steps.close()
        self.preview.close()
        self.states.close()
        self.worker.close(PATIENCE_SECONDS)
        self.session.close()
        self.paint.close()
        self.volume.close()

    def _lay_out(self) -> None:
        steps = (self.source_view, self.paint_view, self.refine_view, self.states_view, self.performance_view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.addWidget(StepColumn(steps))
        layout.addWidget(self.message_view)

    def _color(self, colors: Palette) -> None:
        plots = plot_colors(colors)
        self.refine_view.progress.set_colors(colors.accent, colors.field)
        self.refine_view.losses.set_colors(plots)
        self.performance_view.profiles.set_colors(plots)


class _Closing:
    """Ends what a dock started when Qt destroys the dock, without keeping the dock alive."""

    def __init__(self, dock: CorrectDock) -> None:
        self._refine, self._worker, self._correcting = dock.refine_steps, dock.worker, dock.correcting

    def __call__(self, *_: object) -> None:
        self._refine.close()
        self._worker.close(PATIENCE_SECONDS)
        if self._correcting.session is not None:
            self._correcting.session.painting.close(discard=True)
