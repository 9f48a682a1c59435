"""Results on the same volume, below each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QPushButton, QTableWidget, QTableWidgetItem

from napari_seamless._qt.views.choices import LayerChoice
from napari_seamless._qt.views.step import Step, named_rows

COLUMNS = ("network", "time", "memory", "Dice", "")
_MEMORY = "Largest growth of this program's memory while the run went on; what an earlier run left free is used again."


class CompareView(Step):
    """A table of finished results, with their Dice score against a labels layer.

    Signals
    -------
    truth_chosen(object)
        Key of a layer; None for none.
    mesh_asked(int)
        Row of the result to mesh.
    """

    truth_chosen = Signal(object)
    mesh_asked = Signal(int)

    def __init__(self) -> None:
        super().__init__(5, "Compare", "What finished on this volume, side by side.")
        self.truth = LayerChoice(
            "compareTruth", "Labels that results are compared with: the Dice score of what is inside."
        )
        self.truth.chosen.connect(self.truth_chosen)
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setObjectName("compareTable")
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.horizontalHeaderItem(2).setToolTip(_MEMORY)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().setVisible(False)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.body.addLayout(named_rows({"Truth": self.truth}))
        self.body.addWidget(self.table)
        self.show_rows([])

    def show_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Show network, time, memory and Dice of each result; the step hides while there is none."""
        self.setVisible(bool(rows))
        self.table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(number, column, item)
            if self.table.cellWidget(number, len(COLUMNS) - 1) is None:
                self.table.setCellWidget(number, len(COLUMNS) - 1, self._mesh_button(number))
        height = self.table.verticalHeader().defaultSectionSize()
        self.table.setFixedHeight(height * max(1, len(rows)) + self.table.horizontalHeader().sizeHint().height() + 4)

    def _mesh_button(self, number: int) -> QPushButton:
        button = QPushButton("Mesh")
        button.setObjectName(f"compareMesh{number}")
        button.setToolTip("Open this result in the dock of meshes.")
        button.clicked.connect(lambda _: self.mesh_asked.emit(number))
        return button

    def show_truths(self, layers: Mapping[object, str], current: object | None) -> None:
        """List labels layers; the first entry is none."""
        self.truth.show_layers({None: "no labels", **layers}, current)
        if current is None:
            self.truth.setCurrentIndex(0)
