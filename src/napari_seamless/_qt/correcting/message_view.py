"""One sentence at the foot of the dock, in sight whatever is scrolled."""

from __future__ import annotations

from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QVBoxLayout

from napari_seamless._qt.state import Message
from napari_seamless._qt.views.reporting import Reporting


class MessageView(Reporting, QFrame):
    """The message line of the dock; nothing where there is nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("step")
        self.make_message()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.message)
        self.setVisible(False)

    def show_message(self, message: Message) -> None:
        """Show one sentence, coloured by severity, as high as it needs to be."""
        self.setVisible(bool(message.text))
        super().show_message(message)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the whole sentence in sight in a dock of another width."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        self.message.setMinimumHeight(self.message.heightForWidth(self.width()))
