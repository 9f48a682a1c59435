"""Which part of the volume."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_seamless._qt.views.step import eliding


class RegionEdit(QWidget):
    """Intervals as text, or a rectangle to be drawn; says how large the region is.

    Signals
    -------
    region_typed(str)
        The text; empty for the whole volume.
    draw_asked
        The person wants to draw.
    """

    region_typed = Signal(str)
    draw_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setObjectName("region")
        self.line.setPlaceholderText("whole volume")
        self.line.setToolTip(
            "Segment only a part, such as z=64:128 or z=64:128,y=:100, in voxels; the end is not part of it, and axes "
            "that are not named are whole. The part gets the same labels as in a run over everything."
        )
        self.line.setClearButtonEnabled(True)
        self.line.editingFinished.connect(lambda: self.region_typed.emit(self.line.text().strip()))
        # the cross that clears the line does not end its editing
        self.line.textChanged.connect(lambda text: None if text else self.region_typed.emit(""))
        self.draw = QPushButton("Draw")
        self.draw.setObjectName("regionDraw")
        self.draw.setToolTip(
            "Draw a rectangle on the slice that you see. It reaches through all slices; draw again on slices along "
            "another axis, or type, to bound those too."
        )
        self.draw.clicked.connect(lambda _: self.draw_asked.emit())
        self.size = eliding("muted", Qt.TextElideMode.ElideRight)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.line, 1)
        row.addWidget(self.draw)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(3)
        column.addLayout(row)
        column.addWidget(self.size)
        self.show_region("", "")

    def show_region(self, text: str, size: str) -> None:
        """Show a region and what it holds, without emitting."""
        if text != self.line.text().strip():
            self.line.blockSignals(True)
            self.line.setText(text)
            self.line.setCursorPosition(0)  # a long text is read from its beginning
            self.line.blockSignals(False)
        self.size.setText(size)
        self.size.setVisible(bool(size))
