"""Hands on the dock of meshes."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QPoint, Qt
from tests.gui.hands import Hands

from napari_seamless._napari.surface_layer import MARK
from napari_seamless._qt.mesh.table_model import COLUMNS

SPACING = (2.0, 0.5, 1.0)
TRANSLATION = (10.0, 0.0, 5.0)


class MeshHands(Hands):
    """Drives the dock of meshes by its widgets."""

    def create(self) -> None:
        self.click("meshCreate")
        self.wait_done()

    def wait_done(self) -> None:
        self.until(lambda: not self.dock.state.phase.busy)

    def quiet(self) -> None:
        """Switch the preview off, so that it does not stand in the way."""
        if self.find("meshPreview").isChecked():
            self.press("meshPreview", Qt.Key.Key_Space)

    @property
    def meshes(self) -> list[Any]:
        return [layer for layer in self.viewer.layers if MARK in layer.metadata]

    def column(self, name: str) -> list[str]:
        model, column = self.dock.table_view.model, list(COLUMNS).index(name)
        return [model.data(model.index(row, column)) for row in range(model.rowCount())]

    def click_header(self, name: str) -> None:
        header = self.dock.table_view.table.horizontalHeader()
        x = header.sectionViewportPosition(list(COLUMNS).index(name)) + 8
        self.qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 8))

    def click_row(self, row: int) -> None:
        table = self.dock.table_view.table
        where = table.visualRect(self.dock.table_view.model.index(row, 0)).center()
        self.qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)

    @property
    def told(self) -> str:
        return self.dock.shape_view.told.text()
