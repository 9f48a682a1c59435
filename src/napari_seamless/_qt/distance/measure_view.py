"""Step 3: the distance at the cursor."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QToolButton

from napari_seamless._qt.views.browse import choose_folder
from napari_seamless._qt.views.step import Step, beside, label


class MeasureView(Step):
    """A tick, what is measured, and a way to open a map that was saved.

    Signals
    -------
    tool_turned(bool)
        The measuring tool is on or off.
    map_chosen(str)
        The folder of a saved map.
    """

    tool_turned = Signal(bool)
    map_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(3, "Measure", "Of the distance layer that is selected, or else the topmost visible one.")
        self.tool = QCheckBox("Distance at the cursor")
        self.tool.setObjectName("distanceTool")
        self.tool.setToolTip(
            "Show the distance here and on the canvas while the mouse moves. In 3D it is measured on the surface of "
            "the topmost visible labels layer."
        )
        self.tool.toggled.connect(self._turn)
        self.open = QToolButton()
        self.open.setObjectName("distanceOpen")
        self.open.setText("Open map")
        self.open.setToolTip("Open a distance map that was saved.")
        self.open.clicked.connect(self._browse)
        self.reading = label("", "tileValue")
        self.reading.setWordWrap(True)
        self.reading.setVisible(False)
        self.body.addWidget(beside(self.tool, self.open))
        self.body.addWidget(self.reading)

    def show_reading(self, text: str) -> None:
        """Show what is measured."""
        self.reading.setText(text)

    def _turn(self, on: bool) -> None:
        self.reading.setVisible(on)
        self.tool_turned.emit(on)

    def _browse(self) -> None:
        if path := choose_folder(self, "Open a distance map"):
            self.map_chosen.emit(path)
