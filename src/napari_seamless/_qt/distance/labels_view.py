"""Step 1: which labels, and which of their classes."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QLineEdit, QMenu, QToolButton

from napari_seamless._qt.views.choices import LayerChoice
from napari_seamless._qt.views.step import Step, beside, named_rows

MOST_LISTED = 64


class LabelsView(Step):
    """Choose a layer and classes.

    Signals
    -------
    layer_chosen(object)
        The key of a listed layer.
    class_toggled(object, bool)
        A label was ticked in the list, or unticked.
    """

    layer_chosen = Signal(object)
    class_toggled = Signal(object, bool)

    def __init__(self) -> None:
        super().__init__(1, "Labels", "Whose classes are measured.")
        self.layers = LayerChoice("distanceLayer", "A labels layer of this viewer, or an image layer of integers.")
        self.layers.setPlaceholderText("no labels layer yet")
        self.layers.chosen.connect(self.layer_chosen)
        self.classes = QLineEdit()
        self.classes.setObjectName("distanceClasses")
        self.classes.setPlaceholderText("all")
        self.classes.setToolTip("Names or numbers, such as 1, 2 or 4-6. Empty: 0 to the largest label.")
        self.classes.setClearButtonEnabled(True)
        self.menu = _OpenMenu(self)
        self.choose = QToolButton()
        self.choose.setObjectName("distanceClassMenu")
        self.choose.setText("Choose")
        self.choose.setToolTip("Labels that were found in the middle of the volume, and those with names.")
        self.choose.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.choose.setMenu(self.menu)
        self.body.addLayout(named_rows({"Layer": self.layers, "Classes": beside(self.classes, self.choose)}))
        self.show_classes({})

    def show_layers(self, layers: Mapping[object, str], current: object | None) -> None:
        """List layers by key, with their names, and select one."""
        self.layers.show_layers(layers, current)

    def show_classes(self, names: Mapping[int, str]) -> None:
        """List labels with their names."""
        self.menu.clear()
        for value, name in list(names.items())[:MOST_LISTED]:
            action = self.menu.addAction(f"{value}   {name}" if name else str(value))
            action.setCheckable(True)
            action.setData(value)
            action.toggled.connect(lambda on, value=value: self.class_toggled.emit(value, on))
        self.choose.setEnabled(bool(names))

    def show_chosen(self, values: tuple[int, ...] | None) -> None:
        """Tick what is chosen, without emitting."""
        for action in self.menu.actions():
            action.blockSignals(True)
            action.setChecked(values is not None and action.data() in values)
            action.blockSignals(False)


class _OpenMenu(QMenu):
    """A menu that stays open while things are ticked."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tick instead of closing."""
        action = self.activeAction()
        if action is not None and action.isCheckable():
            action.trigger()
        else:
            super().mouseReleaseEvent(event)
