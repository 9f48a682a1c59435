"""A slim progress bar that never draws at once."""

from __future__ import annotations

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

HEIGHT = 8


class ProgressLine(QWidget):
    """How far a run is.

    Qt's own progress bar repaints inside ``setValue``, and each repaint composes the whole window with its canvas,
    which takes long in software OpenGL. This one asks for an update and lets the event loop choose the moment.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("progress")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._done, self._total = 0, 0
        self._bar, self._groove = QColor("#3d9be9"), QColor("#888888")

    def value(self) -> int:
        """Return what is done."""
        return self._done

    def maximum(self) -> int:
        """Return what there is to do."""
        return self._total

    def set_colors(self, bar: str, groove: str) -> None:
        """Set the colours of what is done and of what is left."""
        self._bar, self._groove = QColor(bar), QColor(groove)
        self.update()

    def show_value(self, done: int, total: int) -> None:
        """Show so many of so many."""
        self._done, self._total = done, total
        self.setAccessibleDescription(f"{done} of {total}")
        self.update()

    def sizeHint(self) -> QSize:
        """Return the slim height."""
        return QSize(200, HEIGHT)

    def paintEvent(self, _: QPaintEvent) -> None:
        """Draw the groove and what is done."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        share = self._done / self._total if self._total else 0.0
        for color, part in ((self._groove, 1.0), (self._bar, share)):
            painter.setBrush(color)
            if part:
                painter.drawRoundedRect(QRectF(0, 0, max(HEIGHT, self.width() * part), HEIGHT), HEIGHT / 2, HEIGHT / 2)
        painter.end()
