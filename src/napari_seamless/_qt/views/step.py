"""The card that holds one step of the way, and the small parts that all steps share."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

NAME_WIDTH = 60
"""Pixels of the column of names, the same in every step."""


class Step(QFrame):
    """A numbered card with a title and, at the right, one muted remark."""

    def __init__(self, number: int, title: str, tooltip: str) -> None:
        super().__init__()
        self.setObjectName("step")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        badge = label(str(number), "stepBadge")
        badge.setFixedSize(20, 20)
        badge.setAlignment(Qt.AlignmentFlag.AlignCenter)
        heading = label(title, "stepTitle")
        heading.setToolTip(tooltip)
        self._remark = eliding("muted", Qt.TextElideMode.ElideMiddle)
        self._remark.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.header = header = QHBoxLayout()
        header.setSpacing(8)
        header.addWidget(badge)
        header.addWidget(heading)
        header.addWidget(self._remark, 1)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(10, 8, 10, 10)
        self.body.setSpacing(7)
        self.body.addLayout(header)

    def set_remark(self, text: str) -> None:
        """Show a few words beside the title."""
        self._remark.setText(text)
        self._remark.setToolTip(text)


class Facts(QWidget):
    """Rows of a muted name and a value, elided where the dock is narrow."""

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__()
        self._grid = grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.setColumnMinimumWidth(0, NAME_WIDTH)
        grid.setColumnStretch(1, 1)
        self._values: dict[str, QElidingLabel] = {}
        for row, (name, tooltip) in enumerate(names.items()):
            title = label(name, "factName")
            title.setToolTip(tooltip)
            value = eliding(f"fact{name}", Qt.TextElideMode.ElideRight)
            grid.addWidget(title, row, 0)
            grid.addWidget(value, row, 1)
            self._values[name] = value
        self.show_facts({})

    def add_row(self, name: str, widget: QWidget) -> QLabel:
        """Add a name and something to change below the facts, in the same columns; returns the label."""
        title, row = label(name, "factName"), self._grid.rowCount()
        self._grid.addWidget(title, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(widget, row, 1)
        # in the middle of the first line, also where the widget has more
        title.setFixedHeight(widget.sizeHint().height())
        return title

    def show_facts(self, facts: dict[str, str]) -> None:
        """Show these values; a name that is left out gets a dash."""
        for name, value in self._values.items():
            text = facts.get(name, "–")
            value.setText(text)
            value.setToolTip(text if name in facts else "")


class Disclosure(QToolButton):
    """A line to click that shows or hides what belongs below it."""

    def __init__(self, text: str, content: QWidget) -> None:
        super().__init__()
        self.setObjectName("disclosure")
        self.setText(text)
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setArrowType(Qt.ArrowType.RightArrow)
        content.setVisible(False)
        self.toggled.connect(content.setVisible)
        self.toggled.connect(self._turn)

    def _turn(self, shown: bool) -> None:
        self.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)


class Choice(QComboBox):
    """A combo box of values with their texts; `chosen` is emitted for a person's choice only."""

    chosen = Signal(object)

    def __init__(self, name: str, options: dict[str, str], tooltip: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setToolTip(tooltip)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        for value, text in options.items():
            self.addItem(text, value)
        self.activated.connect(lambda index: self.chosen.emit(self.itemData(index)))

    def show_value(self, value: object) -> None:
        """Select a value without emitting."""
        self.setCurrentIndex(self.findData(value))


def label(text: str, name: str = "") -> QLabel:
    """Return a plain label with an object name for the style sheet."""
    widget = QLabel(text)
    widget.setObjectName(name)
    return widget


def beside(wide: QWidget, *narrow: QWidget) -> QWidget:
    """Return widgets side by side; the first takes what the others leave."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    layout.addWidget(wide, 1)
    for widget in narrow:
        layout.addWidget(widget)
    return row


def named_rows(rows: Mapping[str, QWidget]) -> QGridLayout:
    """Return widgets below each other, each with its name before it."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(6)
    grid.setColumnMinimumWidth(0, NAME_WIDTH)
    grid.setColumnStretch(1, 1)
    for row, (name, widget) in enumerate(rows.items()):
        grid.addWidget(label(name, "factName"), row, 0)
        grid.addWidget(widget, row, 1)
    return grid


def eliding(name: str, mode: Qt.TextElideMode) -> QElidingLabel:
    """Return a label that shortens its text instead of widening the dock."""
    widget = QElidingLabel()
    widget.setObjectName(name)
    widget.setElideMode(mode)
    widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return widget
