"""Named rows that can be hidden one by one."""

from __future__ import annotations

from qtpy.QtWidgets import QGridLayout, QWidget

from napari_seamless._qt.views.step import label

WIDTH = 68
"""Pixels of the column of names, the same in every step of the dock."""


class Rows(QGridLayout):
    """Widgets below each other, each with its name before it."""

    def __init__(self) -> None:
        super().__init__()
        self.setHorizontalSpacing(10)
        self.setVerticalSpacing(6)
        self.setColumnMinimumWidth(0, WIDTH)
        self.setColumnStretch(1, 1)
        self._rows: dict[str, tuple[QWidget, QWidget]] = {}

    def add(self, name: str, widget: QWidget, tooltip: str = "") -> None:
        """Add a row below the others."""
        title = label(name, "factName")
        title.setToolTip(tooltip)
        row = len(self._rows)
        self.addWidget(title, row, 0)
        self.addWidget(widget, row, 1)
        self._rows[name] = title, widget

    def show_row(self, name: str, *, shown: bool) -> None:
        """Show a row, or hide it."""
        for widget in self._rows[name]:
            widget.setVisible(shown)
