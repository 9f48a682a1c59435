"""The timing readout: one bar per stage of a run."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

ROW = 18
BAR = 8
NAME_WIDTH = 58
TIME_WIDTH = 66


class TimingBars(QWidget):
    """Horizontal bars, as long as the time that each stage was at work."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("timings")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setToolTip("Seconds that each stage was at work. Stages run at the same time, so they may add up to more.")
        self.seconds: dict[str, float] = {}
        self._colors: dict[str, str] = {}
        self.setVisible(False)

    def set_colors(self, colors: Mapping[str, str]) -> None:
        """Set one colour per stage, and ``text``, ``muted`` and ``field``."""
        self._colors = dict(colors)
        self.update()

    def show_timings(self, seconds: Mapping[str, float]) -> None:
        """Show these stages in this order; none hides the readout."""
        self.seconds = dict(seconds)
        self.setVisible(bool(self.seconds))
        self.setAccessibleDescription(", ".join(f"{stage} {value:.1f} s" for stage, value in self.seconds.items()))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return a height of one row per stage."""
        return QSize(200, ROW * len(self.seconds))

    def minimumSizeHint(self) -> QSize:
        """Return the same height; the bars shrink with the dock."""
        return self.sizeHint()

    def paintEvent(self, _: QPaintEvent) -> None:
        """Draw a row per stage: name, bar, seconds."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        longest = max(self.seconds.values(), default=0) or 1
        for row, (stage, value) in enumerate(self.seconds.items()):
            self._paint_row(painter, row * ROW, stage, value / longest)
        painter.end()

    def _paint_row(self, painter: QPainter, top: int, stage: str, share: float) -> None:
        width = max(0, self.width() - NAME_WIDTH - TIME_WIDTH)
        painter.setPen(self._color("muted"))
        painter.drawText(QRectF(0, top, NAME_WIDTH, ROW), Qt.AlignmentFlag.AlignVCenter, stage)
        painter.setPen(self._color("text"))
        where = QRectF(self.width() - TIME_WIDTH, top, TIME_WIDTH, ROW)
        painter.drawText(
            where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{self.seconds[stage]:.1f} s"
        )
        painter.setPen(Qt.PenStyle.NoPen)
        for part, color in ((1.0, "field"), (share, stage)):
            painter.setBrush(self._color(color))
            length = max(BAR / 2, width * part)
            painter.drawRoundedRect(QRectF(NAME_WIDTH, top + (ROW - BAR) / 2, length, BAR), BAR / 2, BAR / 2)

    def _color(self, name: str) -> QColor:
        return QColor(self._colors.get(name, "#888888"))
