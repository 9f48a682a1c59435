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
SHARE_WIDTH = 40
_TOOLTIP = (
    "How long each stage was at work, and its share of all work. Stages run side by side, and several patches at once, "
    "so that the seconds may add up to more than the time that passed."
)


class TimingBars(QWidget):
    """Horizontal bars, as long as the time that each stage was at work, with its seconds and its share of all work."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("timings")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setToolTip(_TOOLTIP)
        self.seconds: dict[str, float] = {}
        self._colors: dict[str, str] = {}
        self.setVisible(False)

    def set_colors(self, colors: Mapping[str, str]) -> None:
        """Set one colour per stage, and ``text``, ``muted`` and ``field``."""
        self._colors = dict(colors)
        self.update()

    def show_timings(self, seconds: Mapping[str, float], waited: float = 0.0) -> None:
        """Show these stages in this order, and say how long the network waited for patches; none hides the readout."""
        self.seconds = dict(seconds)
        self.setToolTip(f"{_TOOLTIP} The network waited {waited:.1f} s for patches.")
        self.setVisible(bool(self.seconds))
        self.setAccessibleDescription(", ".join(f"{stage} {value:.1f} s" for stage, value in self.seconds.items()))
        self.updateGeometry()
        self.update()

    def share(self, stage: str) -> float:
        """Return the part of all work that a stage had, from 0 to 1."""
        return self.seconds[stage] / (sum(self.seconds.values()) or 1)

    def sizeHint(self) -> QSize:
        """Return a height of one row per stage."""
        return QSize(200, ROW * len(self.seconds))

    def minimumSizeHint(self) -> QSize:
        """Return the same height; the bars shrink with the dock."""
        return self.sizeHint()

    def paintEvent(self, _: QPaintEvent) -> None:
        """Draw a row per stage: name, bar, seconds, share."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        longest = max(self.seconds.values(), default=0) or 1
        for row, (stage, value) in enumerate(self.seconds.items()):
            self._paint_row(painter, row * ROW, stage, value / longest)
        painter.end()

    def _paint_row(self, painter: QPainter, top: int, stage: str, share: float) -> None:
        width = max(0, self.width() - NAME_WIDTH - TIME_WIDTH - SHARE_WIDTH)
        painter.setPen(self._color("muted"))
        painter.drawText(QRectF(0, top, NAME_WIDTH, ROW), Qt.AlignmentFlag.AlignVCenter, stage)
        painter.setPen(self._color("text"))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        where = QRectF(NAME_WIDTH + width, top, TIME_WIDTH, ROW)
        painter.drawText(where, right, f"{self.seconds[stage]:.1f} s")
        painter.drawText(where.translated(SHARE_WIDTH, 0), right, _percent(self.share(stage)))
        painter.setPen(Qt.PenStyle.NoPen)
        for part, color in ((1.0, "field"), (share, stage)):
            painter.setBrush(self._color(color))
            length = max(BAR / 2, width * part)
            painter.drawRoundedRect(QRectF(NAME_WIDTH, top + (ROW - BAR) / 2, length, BAR), BAR / 2, BAR / 2)

    def _color(self, name: str) -> QColor:
        return QColor(self._colors.get(name, "#888888"))


def _percent(share: float) -> str:
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"
