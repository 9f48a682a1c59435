"""The dock of distance maps: makes views, state and controllers, and takes everything down again."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtCore import QSize
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from napari_seamless._qt.distance.labels_controller import LabelsController
from napari_seamless._qt.distance.labels_view import LabelsView
from napari_seamless._qt.distance.map_controller import MapController
from napari_seamless._qt.distance.map_view import MapView
from napari_seamless._qt.distance.measure_controller import MeasureController
from napari_seamless._qt.distance.measure_view import MeasureView
from napari_seamless._qt.distance.state import DistanceParts, DistanceState
from napari_seamless._qt.theme import palette, style_sheet
from napari_seamless._qt.views.step_column import StepColumn
from napari_seamless._qt.window_watch import WindowWatch
from napari_seamless._qt.worker import Worker

NAME = "distanceDock"


class DistanceDock(QWidget):
    """Make signed distance maps of labels, and measure with them.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose labels are offered and which gets the maps.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self.setObjectName(NAME)
        self.viewer = napari_viewer
        self.state, self.worker = DistanceState(), Worker(self)
        parts = DistanceParts(self.state, self.worker)
        self.labels_view, self.map_view, self.measure_view = LabelsView(), MapView(), MeasureView()
        self.labels = LabelsController(napari_viewer, self.labels_view, parts)
        self.maps = MapController(napari_viewer, self.map_view, self.labels, parts)
        self.measure = MeasureController(napari_viewer, self.measure_view, parts)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.addWidget(StepColumn((self.labels_view, self.map_view, self.measure_view)))
        self.setMinimumWidth(320)
        self._paint()
        napari_viewer.events.theme.connect(self._paint)
        self._closed = False
        self._watch = WindowWatch(self, self.shut_down)
        self.destroyed.connect(_Closing(self))
        QApplication.instance().aboutToQuit.connect(self.shut_down)

    def choose(self, layer: Any, classes: str = "") -> None:
        """Make the choices that a person would make by hand."""
        self.labels.choose(layer)
        self.labels_view.classes.setText(classes)

    def shut_down(self) -> None:
        """Cancel, wait for the threads, and let go of the viewer."""
        if self._closed:
            return
        self._closed = True
        self.maps.close()
        self.labels.close()
        self.measure.close()
        self.viewer.events.theme.disconnect(self._paint)
        self._watch.stop()
        self.worker.close()

    def sizeHint(self) -> QSize:
        """Return a size that shows every step."""
        return QSize(360, 520)

    def _paint(self, *_: object) -> None:
        colors = palette(self.viewer.theme)
        self.setStyleSheet(style_sheet(colors, NAME))
        self.map_view.progress.set_colors(colors.accent, colors.field)


class _Closing:
    """Ends what a dock started when Qt destroys the dock, without keeping the dock alive."""

    def __init__(self, dock: DistanceDock) -> None:
        self._worker = dock.worker

    def __call__(self, *_: object) -> None:
        self._worker.close()
