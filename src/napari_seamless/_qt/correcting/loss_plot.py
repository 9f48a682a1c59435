"""Losses by the update."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QPainter, QPen, QPolygonF

from napari_seamless._qt.correcting.state import LossPoint
from napari_seamless._qt.views.plot import Plot

LEFT, RIGHT, TOP, BOTTOM = 46, 12, 8, 32
LINES = {"painted": "forward", "rehearsal": "read"}
"""Colour of each line."""


class LossPlot(Plot):
    """The smoothed loss on painted voxels, and that on what is rehearsed."""

    def __init__(self) -> None:
        super().__init__("losses", 130, "Known after Refine.")
        self.points: tuple[LossPoint, ...] = ()

    def show_losses(self, points: Sequence[LossPoint]) -> None:
        """Show these losses; none says what will be here."""
        self.points = tuple(points)
        self.update()

    def _paint(self, painter: QPainter) -> bool:
        if not self.points:
            return False
        area = QRectF(LEFT, TOP, max(1, self.width() - LEFT - RIGHT), self.height() - TOP - BOTTOM)
        values = {name: [getattr(point, name) for point in self.points] for name in LINES}
        known = [value for line in values.values() for value in line if math.isfinite(value)]
        highest, last = 1.05 * max(known, default=0.0) or 1.0, max(2, self.points[-1].step)
        self._paint_frame(painter, area, highest, last)
        x = area.left()
        for (name, line), color in zip(values.items(), LINES.values(), strict=True):
            places = [
                QPointF(
                    area.left() + (point.step - 1) / (last - 1) * area.width(),
                    area.bottom() - value / highest * area.height(),
                )
                for point, value in zip(self.points, line, strict=True)
                if math.isfinite(value)
            ]
            if places:
                self._paint_line(painter, places, color)
                self._paint_name(painter, x, name)
                x += 84
        return True

    def _paint_frame(self, painter: QPainter, area: QRectF, highest: float, last: int) -> None:
        painter.setPen(QPen(self._color("field"), 1))
        painter.drawRect(area)
        painter.setPen(self._color("muted"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value, y in ((highest, area.top()), (0.0, area.bottom())):
            painter.drawText(QRectF(0, y - 8, LEFT - 6, 16), right, f"{value:.2g}")
        below = QRectF(area.left(), area.bottom() + 1, area.width(), 14)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "update 1")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, str(last))

    def _paint_line(self, painter: QPainter, places: list[QPointF], color: str) -> None:
        painter.setPen(QPen(self._color(color), 1.8))
        painter.drawPolyline(QPolygonF(places))
        # one point makes no line
        painter.setBrush(self._color(color))
        painter.drawEllipse(places[-1], 2, 2)

    def _paint_name(self, painter: QPainter, x: float, name: str) -> None:
        painter.drawLine(QPointF(x, self.height() - 8.0), QPointF(x + 14, self.height() - 8.0))
        painter.setPen(self._color("text"))
        painter.drawText(QRectF(x + 18, self.height() - 16, 64, 16), Qt.AlignmentFlag.AlignVCenter, name)
