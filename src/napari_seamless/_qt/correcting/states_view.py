"""Step 4: the states of the network, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QPushButton, QTreeWidget, QTreeWidgetItem

from napari_seamless._qt.views.step import Step
from napari_seamless.training.history import State

COLUMNS = ("", "state", "time", "updates", "loss", "Dice")
_ROWS = 5
_NUMBER = Qt.ItemDataRole.UserRole


class StatesView(Step):
    """A list of states, the one that the network is in marked; go back, save, hand on.

    Signals
    -------
    back_asked(int)
        The number of a state.
    save_asked, use_asked
        The buttons.
    """

    back_asked = Signal(int)
    save_asked = Signal()
    use_asked = Signal()

    def __init__(self) -> None:
        super().__init__(4, "States", "Every refinement leaves a state of the network. Go back to any of them.")
        self.list = QTreeWidget()
        self.list.setObjectName("states")
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setHeaderLabels(COLUMNS)
        self.list.headerItem().setToolTip(
            COLUMNS.index("Dice"), "Mean Dice over the painted classes, on painted voxels."
        )
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setStretchLastSection(True)
        row = self.list.fontMetrics().height() + 6
        self.list.setFixedHeight(row * (_ROWS + 1) + 4)
        self.list.itemSelectionChanged.connect(self._show_buttons)
        self.list.itemDoubleClicked.connect(lambda *_: self._ask_back())
        self.back = _button("goBack", "Go back", "Return the network to the chosen state; a later one, too.")
        self.back.clicked.connect(lambda _: self._ask_back())
        self.save = _button("saveNetwork", "Save network…", "Write the network with everything that inference needs.")
        self.save.clicked.connect(lambda _: self.save_asked.emit())
        self.use = _button("segmentWith", "Segment with it", "Hand the network to the dock that segments the volume.")
        self.use.clicked.connect(lambda _: self.use_asked.emit())
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self.back, self.save, self.use):
            buttons.addWidget(button, 1)
        self.body.addWidget(self.list)
        self.body.addLayout(buttons)
        self._current: int | None = None
        self._can_change = False
        self.show_states((), None, {}, ready=False, busy=False)

    def show_states(
        self, states: Sequence[State], current: int | None, dice: Mapping[int, float], *, ready: bool, busy: bool
    ) -> None:
        """List states, the latest first, and mark the one that the network is in."""
        chosen = self._chosen()
        self._current, self._can_change = current, ready and not busy
        self.list.clear()
        for state in reversed(states):
            item = QTreeWidgetItem(self.list, _texts(state, current, dice))
            item.setData(0, _NUMBER, state.number)
            item.setToolTip(1, state.text)
            if state.number == chosen:
                self.list.setCurrentItem(item)
        for button in (self.save, self.use):
            button.setEnabled(ready)
        self.set_remark("" if current is None else f"now in state {current}")
        self._show_buttons()

    def _chosen(self) -> int | None:
        items = self.list.selectedItems()
        return items[0].data(0, _NUMBER) if items else None

    def _ask_back(self) -> None:
        number = self._chosen()
        if self._can_change and number is not None and number != self._current:
            self.back_asked.emit(number)

    def _show_buttons(self) -> None:
        number = self._chosen()
        self.back.setEnabled(self._can_change and number is not None and number != self._current)


def _texts(state: State, current: int | None, dice: Mapping[int, float]) -> list[str]:
    return [
        "●" if state.number == current else "",
        str(state.number),
        state.time[11:16],
        str(state.steps) if state.steps else "–",
        "–" if state.loss is None else f"{state.loss:.3g}",
        f"{dice[state.number]:.3f}" if state.number in dice else "–",
    ]


def _button(name: str, text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tooltip)
    return button
