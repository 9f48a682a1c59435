"""Step 4: the surfaces as a table, and their way to a file."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QPushButton, QTableView

from napari_seamless._qt.mesh.table_model import COLUMNS, SurfaceTable
from napari_seamless._qt.theme import Palette
from napari_seamless._qt.views.step import Choice, Step
from napari_seamless.engine.mesh import MeasuredSurface

_ROWS = 8
_NARROWEST, _BAR, _ARROW = 28, 10, 22
_LOOKED_AT = 100
"""Rows that decide how wide a column is."""
_SHEET = Template("""
QTableView { background-color: $field; border-radius: 3px; font-size: 9pt; selection-background-color: $hover; }
QTableView::item { padding: 0px 4px; border: 0px; }
QTableView::item:selected { background-color: $hover; color: $text; }
QHeaderView { background-color: $card; }
QHeaderView::section { background-color: $card; color: $muted; padding: 1px 3px; border: 0px; font-size: 8pt; }
QHeaderView::up-arrow, QHeaderView::down-arrow { width: 7px; height: 7px; subcontrol-position: center right; }
QScrollBar:horizontal { height: 7px; max-height: 7px; margin: 0px; background: transparent; }
QScrollBar:vertical { width: 7px; max-width: 7px; margin: 0px; background: transparent; }
QScrollBar::handle { background: $muted; border-radius: 3px; min-height: 20px; min-width: 20px; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0px; width: 0px; background: transparent; }
""")
_EACH = {False: "one file", True: "one file each"}


class TableView(Step):
    """A table that sorts, and Export.

    Signals
    -------
    surface_chosen(int)
        The place among the surfaces of the row that was clicked.
    export_asked(bool)
        Whether each surface gets a file.
    """

    surface_chosen = Signal(int)
    export_asked = Signal(bool)

    def __init__(self) -> None:
        super().__init__(4, "Surfaces", "Click a row to go to its surface, and a header to sort.")
        self.model = SurfaceTable()
        self.table = QTableView()
        self.table.setObjectName("meshTable")
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.verticalHeader().setVisible(False)
        header = self.table.horizontalHeader()
        header.setResizeContentsPrecision(_LOOKED_AT)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setHighlightSections(False)
        header.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
        self.table.setSortingEnabled(True)
        row = self.table.fontMetrics().height() + 6
        self.table.verticalHeader().setMinimumSectionSize(row)
        self.table.verticalHeader().setDefaultSectionSize(row)
        header.setMinimumSectionSize(_NARROWEST)
        self.table.setFixedHeight(row * _ROWS + header.sizeHint().height() + _BAR)
        self.table.clicked.connect(self._on_clicked)
        self.each = Choice("meshEach", {}, "All surfaces in one file, or a file for each in a folder.")
        for value, text in _EACH.items():
            self.each.addItem(text, value)
        self.export = QPushButton("Export…")
        self.export.setObjectName("meshExport")
        self.export.setToolTip(
            "Write the surfaces of the table: GLB, OBJ, PLY, STL, VTP, or a folder for Neuroglancer. While there are "
            "none, they are made and written one by one, so that they need not fit into the memory."
        )
        self.export.clicked.connect(lambda _: self.export_asked.emit(bool(self.each.currentData())))
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.each, 1)
        buttons.addWidget(self.export, 1)
        self.body.addWidget(self.table)
        self.body.addLayout(buttons)
        self.show_phase(ready=False)
        self._fit()

    def show_phase(self, *, ready: bool) -> None:
        """Enable what makes sense now."""
        self.export.setEnabled(ready)

    def show_surfaces(self, surfaces: Sequence[MeasuredSurface], unit: str | None) -> None:
        """List surfaces; the column of names where they say more than the numbers."""
        self.model.show_surfaces(surfaces, unit)
        named = any(one.surface.name not in {"", f"label {one.surface.label}"} for one in surfaces)
        self.table.setColumnHidden(list(COLUMNS).index("name"), not named)
        self._fit()

    def _fit(self) -> None:
        """Make columns as wide as the first rows and the header need, which Qt makes far wider for its arrow."""
        header = self.table.horizontalHeader()
        metrics = header.fontMetrics()
        for column in range(self.model.columnCount()):
            title = self.model.headerData(column, Qt.Orientation.Horizontal)
            needed = max(self.table.sizeHintForColumn(column), metrics.horizontalAdvance(title) + _ARROW)
            header.resizeSection(column, needed)

    def set_colors(self, colors: Palette) -> None:
        """Take the colours of the theme."""
        self.table.setStyleSheet(_SHEET.substitute({name: getattr(colors, name) for name in Palette.__slots__}))

    def _on_clicked(self, index: QModelIndex) -> None:
        self.surface_chosen.emit(self.model.number(index.row()))
