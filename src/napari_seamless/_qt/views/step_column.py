"""The steps of a dock below each other, scrolled where they do not fit."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget


class StepColumn(QScrollArea):
    """A column of steps that scrolls up and down only.

    Parameters
    ----------
    views : sequence of QWidget
        From top to bottom.
    """

    def __init__(self, views: Sequence[QWidget]) -> None:
        super().__init__()
        column = QWidget()
        column.setObjectName("stepColumn")
        steps = QVBoxLayout(column)
        steps.setContentsMargins(0, 0, 0, 0)
        steps.setSpacing(8)
        for view in views:
            steps.addWidget(view)
        steps.addStretch(1)
        self.setWidget(column)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
