"""The buttons and the progress of an evaluation, and the message line."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_seamless._qt.state import Message
from napari_seamless._qt.views.progress_line import ProgressLine
from napari_seamless._qt.views.step import label


class EvaluateView(QWidget):
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
        self.progress = ProgressLine()
        self.progress.setObjectName("tuneProgress")
        self.done, self.left = label("", "muted"), label("", "muted")
        line = QHBoxLayout()
        line.addWidget(self.done)
        line.addStretch(1)
        line.addWidget(self.left)
        self.message = QLabel()
        self.message.setObjectName("message")
        self.message.setWordWrap(True)
        self.message.setVisible(False)
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

    def show_progress(self, done: int, total: int, left: str) -> None:
        """Show patches done and the time that is left."""
        self.progress.show_value(done, total)
        self.done.setText(f"{done} of {total} patches" if total else "")
        self.left.setText(left)

    def show_message(self, message: Message) -> None:
        """Show one sentence, coloured by severity."""
        self.message.setVisible(bool(message.text))
        self.message.setText(message.text)
        self.message.setProperty("severity", message.severity)
        self.message.style().unpolish(self.message)
        self.message.style().polish(self.message)
