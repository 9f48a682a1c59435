"""Step 2: what to paint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QLabel, QPushButton, QWidget

from napari_seamless._qt.views.step import Step, label

ERASER = -1
_SWATCH = 12


class PaintView(Step):
    """A button for each class, with its colour and the number of painted voxels, and an eraser.

    Signals
    -------
    class_chosen(int)
        The index of a class.
    eraser_chosen
        The eraser.
    """

    class_chosen = Signal(int)
    eraser_chosen = Signal()

    def __init__(self) -> None:
        super().__init__(
            2, "Paint", "A few strokes where the network is wrong are enough. Unpainted voxels do not count."
        )
        self.group = QButtonGroup(self)
        self.counts: list[QLabel] = []
        self._place = QWidget()
        self._grid = QGridLayout(self._place)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)
        self.empty = label("Known after Start.", "muted")
        self.body.addWidget(self.empty)
        self.body.addWidget(self._place)
        self.show_classes((), ())

    def show_classes(self, names: Sequence[str], colors: Sequence[tuple[int, int, int, int]]) -> None:
        """Offer these classes, and the eraser."""
        while (item := self._grid.takeAt(0)) is not None:
            item.widget().deleteLater()
        self.counts = []
        for index, (name, color) in enumerate(zip(names, colors, strict=True)):
            button = self._button(index, name, f"Paint {name} with napari's brush; its size is napari's own.")
            button.setIcon(_swatch(color))
            button.clicked.connect(lambda _, chosen=index: self.class_chosen.emit(chosen))
            count = label("0", "muted")
            count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            count.setMinimumWidth(64)
            count.setToolTip("Painted voxels of this class.")
            self.counts.append(count)
            self._grid.addWidget(button, index, 0)
            self._grid.addWidget(count, index, 1)
        if names:
            eraser = self._button(ERASER, "Eraser", "Make voxels unpainted again. Ctrl+Z takes back a stroke.")
            eraser.clicked.connect(lambda _: self.eraser_chosen.emit())
            self._grid.addWidget(eraser, len(names), 0)
        self._place.setVisible(bool(names))
        self.empty.setVisible(not names)

    def show_counts(self, n_painted: Mapping[int, int]) -> None:
        """Show how many voxels of each class are painted."""
        for index, count in enumerate(self.counts):
            count.setText(f"{n_painted.get(index, 0):,}".replace(",", "\u202f"))

    def show_tool(self, tool: int | None) -> None:
        """Mark the class that the brush paints, the eraser, or none."""
        self.group.setExclusive(False)
        for button in self.group.buttons():
            button.setChecked(button.property("tool") == tool)
        self.group.setExclusive(True)

    def _button(self, tool: int, text: str, tooltip: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName("eraser" if tool == ERASER else f"class{tool}")
        button.setProperty("tool", tool)
        button.setProperty("left", True)
        button.setCheckable(True)
        button.setToolTip(tooltip)
        self.group.addButton(button)
        return button


def _swatch(color: tuple[int, int, int, int]) -> QIcon:
    pixmap = QPixmap(_SWATCH, _SWATCH)
    pixmap.fill(QColor(*color[:3]))
    return QIcon(pixmap)
