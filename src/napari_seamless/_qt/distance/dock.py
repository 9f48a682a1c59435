"""The dock of distance maps: makes views, state and controllers, and takes everything down again."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtWidgets import QVBoxLayout

from napari_seamless._qt.any_dock import AnyDock
from napari_seamless._qt.distance.labels_controller import LabelsController
from napari_seamless._qt.distance.labels_view import LabelsView
from napari_seamless._qt.distance.map_controller import MapController
from napari_seamless._qt.distance.map_view import MapView
from napari_seamless._qt.distance.measure_controller import MeasureController
from napari_seamless._qt.distance.measure_view import MeasureView
from napari_seamless._qt.distance.state import DistanceParts, DistanceState
from napari_seamless._qt.theme import Palette
from napari_seamless._qt.views.step_column import StepColumn
from napari_seamless._qt.worker import Worker


class DistanceDock(AnyDock):
    """Make signed distance maps of labels, and measure with them.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose labels are offered and which gets the maps.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__(napari_viewer, "distanceDock", height=520)
        self.state, self.worker = DistanceState(), Worker(self)
        parts = DistanceParts(self.state, self.worker)
        self.labels_view, self.map_view, self.measure_view = LabelsView(), MapView(), MeasureView()
        self.labels = LabelsController(napari_viewer, self.labels_view, parts)
        self.maps = MapController(napari_viewer, self.map_view, self.labels, parts)
        self.measure = MeasureController(napari_viewer, self.measure_view, parts)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.addWidget(StepColumn((self.labels_view, self.map_view, self.measure_view)))
        self._begin(_Closing(self))

    def choose(self, layer: Any, classes: str = "") -> None:
        """Make the choices that a person would make by hand."""
        self.labels.choose(layer)
        self.labels_view.classes.setText(classes)

    def _end(self) -> None:
        """Cancel, and wait for the threads."""
        self.maps.close()
        self.labels.close()
        self.measure.close()
        self.worker.close()

    def _color(self, colors: Palette) -> None:
        self.map_view.progress.set_colors(colors.accent, colors.field)


class _Closing:
    """Ends what a dock started when Qt destroys the dock, without keeping the dock alive."""

    def __init__(self, dock: DistanceDock) -> None:
        self._worker = dock.worker

    def __call__(self, *_: object) -> None:
        self._worker.close()
