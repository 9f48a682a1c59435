"""The buttons and the progress of an evaluation, and the message line."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_seamless._qt.state import Message
from napari_seamless._qt.views.reporting import Reporting


class EvaluateView(Reporting, QWidget):
    """Evaluate, cancel, how far it is, one sentence.

    Signals
    -------
    evaluate_asked, cancel_asked
        The buttons.
    """

    evaluate_asked = Signal()
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.evaluate = QPushButton("Evaluate")
        self.evaluate.setObjectName("evaluate")
        self.evaluate.setProperty("main", True)
        self.evaluate.setToolTip(
            "Evaluate the patches of the region once, with the densest overlap, in the background."
        )
        self.evaluate.clicked.connect(lambda _: self.evaluate_asked.emit())
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName("tuneCancel")
        self.cancel.setToolTip("Stop after the current batch; what was evaluated stays.")
        self.cancel.clicked.connect(lambda _: self.cancel_asked.emit())
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.evaluate, 2)
        buttons.addWidget(self.cancel, 1)
        line = self.make_report()
        self.progress.setObjectName("tuneProgress")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        column.addLayout(buttons)
        column.addWidget(self.progress)
        column.addLayout(line)
        column.addWidget(self.message)

    def show_phase(self, *, busy: bool, ready: bool) -> None:
        """Enable the buttons that make sense now."""
        self.evaluate.setEnabled(ready and not busy)
        self.cancel.setEnabled(busy)

    def show_message(self, message: Message) -> None:
        """Show one sentence, coloured by severity, as high as it needs to be: a recommendation is long."""
        super().show_message(message)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the whole sentence in sight in a dock of another width."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        # a card takes its height from its parts' hints, and that of a wrapped text is made for another width
        self.message.setMinimumHeight(0)  # which counts in the height for a width
        self.message.setMinimumHeight(max(0, self.message.heightForWidth(self.width())))
