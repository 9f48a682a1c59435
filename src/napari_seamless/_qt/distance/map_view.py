"""Step 2: what is measured, where it is saved, and how far it is."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QPushButton

from napari_seamless._qt.distance.save_edit import SaveEdit
from napari_seamless._qt.state import Message
from napari_seamless._qt.views.reporting import Reporting
from napari_seamless._qt.views.step import Choice, Step, named_rows

_CONVENTIONS = {"exact": "to the border (exact)", "published": "boundary loss (published)"}


class MapView(Reporting, Step):
    """Convention, largest distance, place and memory; compute, cancel, progress, one sentence.

    Signals
    -------
    compute_asked, cancel_asked
        The buttons.
    """

    compute_asked = Signal()
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__(2, "Distance maps", "How far each voxel is from a class; negative: how deep inside.")
        self.convention = Choice(
            "distanceConvention",
            _CONVENTIONS,
            "To the border: to the nearest point of the border, the same seen from both sides; use it to measure. "
            "Boundary loss: between voxel centres, inside minus (distance - 1); use it to train.",
        )
        self.limit = _line("distanceLimit", "no limit", "Cut distances here, in the unit of the spacing.")
        self.save = SaveEdit()
        self.memory = _line("distanceMemory", "auto", "Such as 500MB or 2GiB; auto is half of what is free.")
        self.body.addLayout(
            named_rows({"Measure": self.convention, "Up to": self.limit, "Save to": self.save, "Memory": self.memory})
        )
        self.compute, self.cancel = QPushButton("Compute"), QPushButton("Cancel")
        self.compute.setObjectName("distanceCompute")
        self.compute.setProperty("main", True)
        self.compute.setToolTip("Compute the maps in the background; one layer for each class.")
        self.compute.clicked.connect(lambda _: self.compute_asked.emit())
        self.cancel.setObjectName("distanceCancel")
        self.cancel.setToolTip("Stop; nothing of the map is left, and one that would be replaced stays.")
        self.cancel.clicked.connect(lambda _: self.cancel_asked.emit())
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.compute, 2)
        buttons.addWidget(self.cancel, 1)
        line = self.make_report()
        self.body.addLayout(buttons)
        self.body.addWidget(self.progress)
        self.body.addLayout(line)
        self.body.addWidget(self.message)
        self.show_phase(busy=False, ready=False)

    def show_unit(self, unit: str) -> None:
        """Say the unit of the largest distance."""
        self.limit.setPlaceholderText(f"no limit, or a distance in {unit}" if unit else "no limit")

    def show_phase(self, *, busy: bool, ready: bool) -> None:
        """Enable the buttons that make sense now."""
        self.compute.setEnabled(ready and not busy)
        self.cancel.setEnabled(busy)

    def show_progress(self, done: int, total: int, left: str) -> None:
        """Show how much is done and the time that is left."""
        self.progress.show_value(done, total)
        self.done.setText(f"{done / total:.0%}" if total else "")
        self.left.setText(left)

    def show_message(self, message: Message) -> None:
        """Show one sentence as high as it needs to be."""
        super().show_message(message)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the whole sentence in sight in a dock of another width."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        # a card takes its height from its parts' hints, and that of a wrapped text is made for another width
        margins = self.body.contentsMargins()
        width = self.width() - margins.left() - margins.right()
        self.message.setMinimumHeight(max(0, self.message.heightForWidth(width)))


def _line(name: str, placeholder: str, tooltip: str) -> QLineEdit:
    line = QLineEdit()
    line.setObjectName(name)
    line.setPlaceholderText(placeholder)
    line.setToolTip(tooltip)
    return line
