"""The dock of meshes: makes views, state and controllers, and takes everything down again."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtWidgets import QVBoxLayout

from napari_seamless._qt.any_dock import AnyDock
from napari_seamless._qt.mesh.export_controller import ExportController
from napari_seamless._qt.mesh.make_controller import MakeController
from napari_seamless._qt.mesh.make_view import MakeView
from napari_seamless._qt.mesh.preview_controller import PreviewController
from napari_seamless._qt.mesh.runner import Runner
from napari_seamless._qt.mesh.shape_controller import ShapeController
from napari_seamless._qt.mesh.shape_view import ShapeView
from napari_seamless._qt.mesh.source_controller import SourceController
from napari_seamless._qt.mesh.source_view import SourceView
from napari_seamless._qt.mesh.state import MeshParts, MeshState
from napari_seamless._qt.mesh.table_controller import TableController
from napari_seamless._qt.mesh.table_view import TableView
from napari_seamless._qt.theme import Palette
from napari_seamless._qt.views.step_column import StepColumn
from napari_seamless._qt.worker import Worker


class MeshDock(AnyDock):
    """Make surfaces of labels, probabilities and distance maps, measure them and write them to files.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose layers are offered and which gets the surfaces.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__(napari_viewer, "meshDock", height=880)
        self.state, self.worker = MeshState(), Worker(self)
        parts = MeshParts(self.state, self.worker)
        self.source_view, self.shape_view = SourceView(), ShapeView()
        self.make_view, self.table_view = MakeView(), TableView()
        self.runner = Runner(self.make_view, parts)
        self.source = SourceController(napari_viewer, self.source_view, parts)
        self.shape = ShapeController(self.shape_view, self.source, parts)
        self.make = MakeController(napari_viewer, self.make_view, self.shape, self.runner, parts)
        self.preview = PreviewController(napari_viewer, self.shape_view, self.shape, parts)
        self.table = TableController(napari_viewer, self.table_view, self.make, parts)
        self.export = ExportController(self.table_view, self.make, self.runner, parts)
        self.source_view.changed.connect(self.preview.ask)
        # the surfaces take the place of what they were a preview of
        self.state.events.made.connect(self._on_made)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.addWidget(StepColumn((self.source_view, self.shape_view, self.make_view, self.table_view)))
        self._begin(_Closing(self))

    def choose(self, layer: Any, labels: str = "") -> None:
        """Make the choices that a person would make by hand."""
        self.source.choose(layer)
        if labels:
            self.source_view.what.show_value("these")
            self.source_view.these.setText(labels)

    def _on_made(self, *_: object) -> None:
        self.shape_view.preview.setChecked(False)

    def _end(self) -> None:
        """Cancel, and wait for the threads."""
        self.runner.close()
        self.preview.close()
        self.make.close()
        self.source.close()
        self.worker.close()

    def _color(self, colors: Palette) -> None:
        self.make_view.progress.set_colors(colors.accent, colors.field)
        self.table_view.set_colors(colors)


class _Closing:
    """Ends what a dock started when Qt destroys the dock, without keeping the dock alive."""

    def __init__(self, dock: MeshDock) -> None:
        self._worker = dock.worker

    def __call__(self, *_: object) -> None:
        self._worker.close()
