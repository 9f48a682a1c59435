"""The table of surfaces: a model over columns of numbers, so that a hundred thousand rows sort at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor

from napari_seamless._qt.mesh.numbers import short, symbol
from napari_seamless.engine.mesh import MeasuredSurface

_ROLE = Qt.ItemDataRole
_NUMBERS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_TEXTS = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_CENTRE = Qt.AlignmentFlag.AlignCenter


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Parameters
    ----------
    title, tooltip : str
        Its header.
    power : int
        Of the unit: 0 for plain numbers.
    """

    title: str
    tooltip: str
    power: int = 0


COLUMNS = {
    "label": Column("label", "Label value, or number of the channel, in the colour of its surface."),
    "name": Column("name", "Name of the label, where it has one."),
    "triangles": Column("triangles", "Number of triangles."),
    "volume": Column("volume", "What the surface encloses.", 3),
    "area": Column("area", "Area of the surface.", 2),
    "components": Column("parts", "Parts that hang together."),
    "watertight": Column("closed", "Whether every edge has two triangles, so that the surface encloses a volume."),
    "error": Column("error", "How far simplification has moved the surface, at most.", 1),
}


class SurfaceTable(QAbstractTableModel):
    """Rows of surfaces, in an order that a person chooses."""

    def __init__(self) -> None:
        super().__init__()
        self._columns: dict[str, np.ndarray[Any, Any]] = {name: np.zeros(0) for name in COLUMNS}
        self._colors: list[tuple[int, int, int, int]] = []
        self._order = np.zeros(0, np.int64)
        self._sorted: tuple[int, Qt.SortOrder] | None = None
        self._unit: str | None = None

    def show_surfaces(self, surfaces: Sequence[MeasuredSurface], unit: str | None) -> None:
        """Take the rows of surfaces, in the order that was chosen last."""
        self.beginResetModel()
        self._unit = unit
        self._columns = {name: np.array([_value(one, name) for one in surfaces]) for name in COLUMNS}
        self._colors = [one.surface.color or (255, 255, 255, 255) for one in surfaces]
        self._order = self._ordered()
        self.endResetModel()

    def number(self, row: int) -> int:
        """Return the place among the surfaces of what a row shows."""
        return int(self._order[row])

    def row_of(self, label: int) -> int | None:
        """Return the row of a label; None where it has no surface."""
        found = np.flatnonzero(self._columns["label"][self._order] == label)
        return int(found[0]) if found.size else None

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of surfaces."""
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        name, number = list(COLUMNS)[index.column()], self.number(index.row())
        if role == _ROLE.DisplayRole:
            return _text(name, self._columns[name][number])
        if role == _ROLE.DecorationRole and name == "label":
            return QColor(*self._colors[number])
        if role == _ROLE.TextAlignmentRole:
            return _TEXTS if name in {"label", "name"} else _CENTRE if name == "watertight" else _NUMBERS
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:
        """Return the title of a column with its unit."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = list(COLUMNS.values())[section]
        if role == _ROLE.DisplayRole:
            return f"{column.title} {symbol(self._unit, column.power) if column.power else ''}".strip()
        return column.tooltip if role == _ROLE.ToolTipRole else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column: numbers by their size, and what is equal by its label."""
        self.layoutAboutToBeChanged.emit()
        before = self._order
        self._sorted = (column, order)
        self._order = self._ordered()
        rows = np.empty(len(self._order), np.int64)
        rows[self._order] = np.arange(len(self._order))
        old = self.persistentIndexList()
        new = [self.index(int(rows[before[index.row()]]), index.column()) for index in old]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def _ordered(self) -> np.ndarray[Any, Any]:
        if self._sorted is None or self._sorted[0] < 0:
            return np.arange(len(self._colors))
        column, order = self._sorted
        values = self._columns[list(COLUMNS)[column]]
        if order == Qt.SortOrder.AscendingOrder:
            return np.argsort(values, kind="stable")
        return len(values) - 1 - np.argsort(values[::-1], kind="stable")[::-1]


def _value(one: MeasuredSurface, name: str) -> Any:
    surface = one.surface
    if name in {"label", "name", "error"}:
        return getattr(surface, name)
    return getattr(one.measures, name)


def _text(name: str, value: Any) -> str:
    if name == "watertight":
        return "✓" if value else "✗"
    if name in {"volume", "area", "error"}:
        return short(float(value))
    return str(value) if name in {"label", "name"} else f"{int(value):,}"
