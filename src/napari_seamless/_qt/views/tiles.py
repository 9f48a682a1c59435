"""A row of figures with their names below."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QWidget

from napari_seamless._qt.views.step import eliding


class Tiles(QWidget):
    """Figures side by side, each above its name.

    Parameters
    ----------
    tiles : mapping of str to (str, str)
        Key to the name below the figure and the tooltip.
    """

    def __init__(self, tiles: Mapping[str, tuple[str, str]]) -> None:
        super().__init__()
        self.setObjectName("tiles")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(0)
        self.values = {}
        for column, (key, (name, tooltip)) in enumerate(tiles.items()):
            value, below = (eliding(part, Qt.TextElideMode.ElideRight) for part in ("tileValue", "tileName"))
            below.setText(name)
            for row, widget in enumerate((value, below)):
                widget.setToolTip(tooltip)
                grid.addWidget(widget, row, column)
            grid.setColumnStretch(column, 1)
            self.values[key] = value
        self.show_values({})

    def show_values(self, texts: Mapping[str, str]) -> None:
        """Show these figures; a key that is left out gets a dash."""
        for key, value in self.values.items():
            value.setText(texts.get(key, "–"))
