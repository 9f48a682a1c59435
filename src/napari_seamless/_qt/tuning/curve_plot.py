"""The curve: quality against time, one dot per setting."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qtpy.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QMouseEvent, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QToolTip

from napari_seamless._qt import text
from napari_seamless._qt.views.plot import Plot
from napari_seamless.engine.tuning import Advice, Candidate, Point

LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 34
LEGEND = 20
DOT, RING, REACH = 4.5, 8.5, 12
WINDOW_COLORS = {"gaussian": "forward", "constant": "read", "hann": "write", "triangle": "blend", "array": "accent"}


class CurvePlot(Plot):
    """Dots coloured by window over a logarithmic axis of time; a click chooses the setting under the cursor.

    Signals
    -------
    chosen(object)
        The `Candidate` of a dot that was clicked.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__("curve", 210, "Evaluate draws quality against time here.")
        self.setMouseTracking(True)
        self._points: tuple[Point, ...] = ()
        self._advice: Advice[Point] | None = None
        self._current: Candidate | None = None

    def show_points(self, points: Sequence[Point], advice: Advice[Point] | None, current: Candidate) -> None:
        """Show these settings, the front and the recommendation among them, and the one that is looked at."""
        self._points, self._advice, self._current = tuple(points), advice, current
        self.setAccessibleDescription(advice.sentence if advice else "no setting is known yet")
        self.update()

    def where(self, point: Point) -> QPointF:
        """Return where a setting is drawn."""
        (left, right), (low, high) = self._limits()
        area = self._area()
        x = (math.log(_positive(point.seconds)) - left) / (right - left)
        y = (point.dice - low) / (high - low)
        return QPointF(area.left() + x * area.width(), area.bottom() - y * area.height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the setting under the cursor."""
        point = self._under(event.position())
        if point is not None:
            self.chosen.emit(point.candidate)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell about the setting under the cursor."""
        point = self._under(event.position())
        self.setCursor(Qt.CursorShape.ArrowCursor if point is None else Qt.CursorShape.PointingHandCursor)
        if point is None:
            QToolTip.hideText()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), _words(point), self)

    def leaveEvent(self, event: QEvent) -> None:
        """Take the words away."""
        QToolTip.hideText()
        super().leaveEvent(event)

    def _paint(self, painter: QPainter) -> bool:
        """Draw axes, front, dots, rings and the legend."""
        if not self._points:
            return False
        self._paint_axes(painter)
        self._paint_front(painter)
        for point in self._points:
            self._paint_dot(painter, point)
        self._paint_legend(painter)
        return True

    def _area(self) -> QRectF:
        return QRectF(LEFT, TOP, max(1, self.width() - LEFT - RIGHT), max(1, self.height() - TOP - BOTTOM - LEGEND))

    def _limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the limits of the logarithm of the time and of the quality, with a margin."""
        times = [math.log(_positive(point.seconds)) for point in self._points]
        values = [point.dice for point in self._points]
        return _widened(min(times), max(times), 0.1), _widened(min(values), max(values), 0.002)

    def _paint_axes(self, painter: QPainter) -> None:
        (left, right), (low, high) = self._limits()
        area, muted = self._area(), self._color("muted")
        for value in _round_values(low, high):
            y = area.bottom() - (value - low) / (high - low) * area.height()
            painter.setPen(QPen(self._color("field"), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(muted)
            where = QRectF(0, y - 8, LEFT - 6, 16)
            painter.drawText(where, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
        taken = -math.inf
        for value in _round_times(math.exp(left), math.exp(right)):
            x = area.left() + (math.log(value) - left) / (right - left) * area.width()
            painter.setPen(QPen(self._color("field"), 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            if x - taken > 44:
                painter.setPen(muted)
                where = QRectF(x - 30, area.bottom() + 3, 60, 14)
                painter.drawText(where, Qt.AlignmentFlag.AlignCenter, _short_time(value))
                taken = x
        painter.setPen(muted)
        proxy = any(point.is_proxy for point in self._points)
        title = "agreement (proxy)" if proxy else "Dice"
        below = QRectF(area.left(), area.bottom() + 17, area.width(), 14)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, f"{title} against time for the whole volume")

    def _paint_front(self, painter: QPainter) -> None:
        if self._advice is None:
            return
        painter.setPen(QPen(self._color("muted"), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF([self.where(point) for point in self._advice.pareto]))

    def _paint_dot(self, painter: QPainter, point: Point) -> None:
        centre = self.where(point)
        painter.setPen(QPen(self._color("field"), 1))
        painter.setBrush(self._color(WINDOW_COLORS.get(point.window, "muted")))
        painter.drawEllipse(centre, DOT, DOT)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._advice is not None and point.candidate == self._advice.recommended.candidate:
            painter.setPen(QPen(self._color("done"), 2))
            painter.drawRect(QRectF(centre.x() - RING, centre.y() - RING, 2 * RING, 2 * RING))
        if point.candidate == self._current:
            painter.setPen(QPen(self._color("text"), 1.8))
            painter.drawEllipse(centre, RING - 2, RING - 2)

    def _paint_legend(self, painter: QPainter) -> None:
        kinds = list(dict.fromkeys(point.window for point in self._points))
        entries = [*((kind, WINDOW_COLORS.get(kind, "muted")) for kind in sorted(kinds)), ("recommended", "done")]
        x, y = 0.0, self.height() - LEGEND / 2
        metrics = painter.fontMetrics()
        for name, color in entries:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._color(color))
            if name == "recommended":
                painter.setPen(QPen(self._color(color), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRectF(x, y - 4, 8, 8))
            else:
                painter.drawEllipse(QPointF(x + 4, y), 4, 4)
            painter.setPen(self._color("text"))
            width = metrics.horizontalAdvance(name)
            painter.drawText(QRectF(x + 11, y - 8, width + 4, 16), Qt.AlignmentFlag.AlignVCenter, name)
            x += width + 16

    def _under(self, cursor: QPointF) -> Point | None:
        """Return the nearest setting within reach."""

        def distance(point: Point) -> float:
            there = self.where(point)
            return math.hypot(there.x() - cursor.x(), there.y() - cursor.y())

        nearest = min(self._points, key=distance, default=None)
        return nearest if nearest is not None and distance(nearest) <= REACH else None


def _words(point: Point) -> str:
    seam = "" if point.seam_energy is None else f", seams {point.seam_energy:.4f}"
    quality = "agreement" if point.is_proxy else "Dice"
    return (
        f"{point.setting}\n{quality} {point.dice:.4f}{seam}\n{point.patches} patches, about {text.rough(point.seconds)}"
    )


def _positive(seconds: float) -> float:
    return max(seconds, 1e-6)


def _widened(low: float, high: float, least: float) -> tuple[float, float]:
    """Return limits with a margin of 12% to both sides."""
    margin = max(0.12 * (high - low), least)
    return low - margin, high + margin


def _round_values(low: float, high: float) -> list[float]:
    """Return three to six round numbers between two limits."""
    raw = (high - low) / 4
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw)
    return [round(k * step, 10) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _round_times(low: float, high: float) -> list[float]:
    """Return round seconds, minutes or hours between two limits."""
    small = [factor * 10**power for power in range(-6, 1) for factor in (1, 2, 5)]
    large = [10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 86400, 172800, 432000, 864000]
    return [value for value in (*small, *large) if low <= value <= high]


def _short_time(seconds: float) -> str:
    for limit, divisor, unit in ((60, 1, "s"), (3600, 60, "min"), (math.inf, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:g} {unit}"
    return ""
