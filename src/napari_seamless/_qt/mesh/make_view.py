"""Step 3: make the surfaces, and what colours them."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton

from napari_seamless._qt.mesh.rows import Rows
from napari_seamless._qt.state import Message
from napari_seamless._qt.views.choices import LayerChoice
from napari_seamless._qt.views.reporting import Reporting
from napari_seamless._qt.views.step import Step

BY_LABEL = 0
"""Key of the choice that is no layer."""


class MakeView(Reporting, Step):
    """What colours surfaces; create, cancel, progress, one sentence, and a way to 3D.

    Signals
    -------
    create_asked, cancel_asked, show_asked
        The buttons.
    color_chosen(object)
        The key of a layer, or `BY_LABEL`.
    """

    create_asked = Signal()
    cancel_asked = Signal()
    show_asked = Signal()
    color_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(3, "Meshes", "One layer with all surfaces; creating again replaces it.")
        self.color = LayerChoice(
            "meshColor", "Colours of the labels, or the values of an image layer at the surface, such as distances."
        )
        self.color.chosen.connect(self.color_chosen)
        self.create = _button("meshCreate", "Create meshes", "Make the surfaces of the whole volume in the background.")
        self.create.setProperty("main", True)
        self.create.clicked.connect(lambda _: self.create_asked.emit())
        self.cancel = _button("meshCancel", "Cancel", "Stop; nothing is left, and surfaces that are there stay.")
        self.cancel.clicked.connect(lambda _: self.cancel_asked.emit())
        self.show_3d = _button(
            "meshShow", "Show in 3D", "Turn the viewer to 3D, and hide the layer that the surfaces were made of."
        )
        self.show_3d.clicked.connect(lambda _: self.show_asked.emit())
        rows = Rows()
        rows.add("Colour by", self.color)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button, stretch in ((self.create, 2), (self.cancel, 1), (self.show_3d, 1)):
            buttons.addWidget(button, stretch)
        line = self.make_report()
        self.body.addLayout(rows)
        self.body.addLayout(buttons)
        self.body.addWidget(self.progress)
        self.body.addLayout(line)
        self.body.addWidget(self.message)
        self.show_phase(busy=False, ready=False)
        self.show_3d_offered(offered=False)

    def show_colors(self, layers: Mapping[object, str], current: object) -> None:
        """List what can colour surfaces, and select one."""
        self.color.show_layers({BY_LABEL: "label", **layers}, current)

    def show_phase(self, *, busy: bool, ready: bool) -> None:
        """Enable what makes sense now."""
        self.create.setEnabled(ready and not busy)
        self.cancel.setEnabled(busy)
        self.color.setEnabled(not busy)

    def show_3d_offered(self, *, offered: bool) -> None:
        """Offer to turn to 3D."""
        self.show_3d.setEnabled(offered)

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
        margins = self.body.contentsMargins()
        width = self.width() - margins.left() - margins.right()
        self.message.setFixedHeight(max(0, self.message.heightForWidth(width)))
        self.body.invalidate()
        self.updateGeometry()


def _button(name: str, text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(tooltip)
    return button
