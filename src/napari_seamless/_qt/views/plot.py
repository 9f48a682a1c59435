"""What the plots of the docks share."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget


class Plot(QWidget):
    """A plot of fixed height in the colours of the theme.

    Parameters
    ----------
    name : str
        Object name.
    height : int
        In pixels.
    empty : str
        What is said while there is nothing to draw.
    """

    def __init__(self, name: str, height: int, empty: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._height, self._empty = height, empty
        self._colors: dict[str, str] = {}

    def set_colors(self, colors: Mapping[str, str]) -> None:
        """Set colours by name: ``text``, ``muted``, ``field``, and those that the plot has for its data."""
        self._colors = dict(colors)
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size at which data can be told apart."""
        return QSize(300, self._height)

    def minimumSizeHint(self) -> QSize:
        """Return the same height."""
        return QSize(160, self._height)

    def paintEvent(self, _: QPaintEvent) -> None:
        """Draw the data, or say what will be here."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(max(7.0, font.pointSizeF() - 1))
        painter.setFont(font)
        if not self._paint(painter):
            painter.setPen(self._color("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._empty)
        painter.end()

    def _paint(self, painter: QPainter) -> bool:
        """Draw the data; return whether there are any."""
        raise NotImplementedError

    def _color(self, name: str) -> QColor:
        return QColor(self._colors.get(name, "#888888"))
