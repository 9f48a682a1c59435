"""Error by the coordinate in the patch, along each axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QPainter, QPen, QPolygonF

from napari_seamless._qt.views.plot import Plot

LEFT, RIGHT, TOP, BOTTOM = 46, 12, 8, 32
COLORS = ("read", "forward", "blend", "write")


class ProfilePlot(Plot):
    """One line per axis: the mean error over the other axes, from one border of the patch to the other.

    Parameters
    ----------
    empty : str
        What is said while there is nothing to draw.
    """

    def __init__(self, empty: str) -> None:
        super().__init__("profiles", 130, empty)
        self.profiles: dict[str, np.ndarray] = {}

    def show_profiles(self, profiles: Mapping[str, np.ndarray]) -> None:
        """Show these lines by the name of their axis; none says what will be here."""
        self.profiles = dict(profiles)
        self.update()

    def _paint(self, painter: QPainter) -> bool:
        """Draw the frame, the lines and their names."""
        if not self.profiles:
            return False
        self._paint_lines(painter)
        return True

    def _paint_lines(self, painter: QPainter) -> None:
        area = QRectF(LEFT, TOP, max(1, self.width() - LEFT - RIGHT), self.height() - TOP - BOTTOM)
        highest = 1.1 * max(float(np.nanmax(line)) for line in self.profiles.values()) or 1.0
        painter.setPen(QPen(self._color("field"), 1))
        painter.drawRect(area)
        painter.setPen(self._color("muted"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value, y in ((highest, area.top()), (0.0, area.bottom())):
            painter.drawText(QRectF(0, y - 8, LEFT - 6, 16), right, f"{value:.2g}")
        x = area.left()
        for (name, line), color in zip(self.profiles.items(), COLORS, strict=False):
            places = np.linspace(area.left(), area.right(), len(line)) if len(line) > 1 else [area.center().x()]
            heights = area.bottom() - line / highest * area.height()
            painter.setPen(QPen(self._color(color), 1.8))
            for part in known_parts(line):
                ends = zip(places[part], heights[part], strict=True)
                painter.drawPolyline(QPolygonF([QPointF(a, b) for a, b in ends]))
            painter.drawLine(QPointF(x, self.height() - 8.0), QPointF(x + 14, self.height() - 8.0))
            painter.setPen(self._color("text"))
            painter.drawText(QRectF(x + 18, self.height() - 16, 30, 16), Qt.AlignmentFlag.AlignVCenter, name)
            x += 48
        painter.setPen(self._color("muted"))
        below = QRectF(area.left(), area.bottom() + 1, area.width(), 14)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, "border to border of the patch")


def known_parts(line: np.ndarray) -> list[slice]:
    """Return the stretches of a line between its NaNs, where nothing was seen."""
    known = np.concatenate([[False], ~np.isnan(line), [False]])
    starts, stops = (np.flatnonzero(np.diff(known.astype(np.int8)) == step) for step in (1, -1))
    return [slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True)]


def profiles_of(values: np.ndarray, axes: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the mean of a map along each axis, over the others, by its name; NaN where nothing is known.

    Examples
    --------
    >>> {axis: line.tolist() for axis, line in profiles_of(np.array([[0.0, np.nan], [1.0, np.nan]]), "yx").items()}
    {'y': [0.0, 1.0], 'x': [0.5, nan]}
    """
    known, found = ~np.isnan(values), {}
    for axis, name in enumerate(axes):
        others = tuple(other for other in range(values.ndim) if other != axis)
        total, n = np.where(known, values, 0).sum(axis=others), known.sum(axis=others)
        found[name] = np.divide(total, n, out=np.full(np.shape(total), np.nan), where=n > 0)
    return found
