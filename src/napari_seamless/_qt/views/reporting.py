"""How far something in the background is, and one sentence about it."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QLabel

from napari_seamless._qt.state import Message
from napari_seamless._qt.views.progress_line import ProgressLine
from napari_seamless._qt.views.step import label


class Reporting:
    """What a view inherits beside its widget: a bar, what is done and left, and the message line."""

    def make_report(self) -> QHBoxLayout:
        """Make the parts; return the line of texts that belongs below the bar, for the view to lay out."""
        self.progress = ProgressLine()
        self.done, self.left = label("", "muted"), label("", "muted")
        line = QHBoxLayout()
        line.addWidget(self.done)
        line.addStretch(1)
        line.addWidget(self.left)
        self.make_message()
        return line

    def make_message(self) -> None:
        """Make the message line alone."""
        self.message = QLabel()
        self.message.setObjectName("message")
        self.message.setWordWrap(True)
        self.message.setVisible(False)

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
