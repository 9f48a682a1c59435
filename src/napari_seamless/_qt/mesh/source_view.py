"""Step 1: which volume, and what of it."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLineEdit, QMenu, QToolButton

from napari_seamless._qt.mesh.rows import Rows
from napari_seamless._qt.views.browse import choose_file, choose_folder
from napari_seamless._qt.views.choices import LayerChoice
from napari_seamless._qt.views.step import Choice, Step, beside

_KINDS = {"labels": "labels", "probabilities": "probabilities", "distance": "distance map"}
_WHAT = {"all": "all labels", "selected": "selected label", "these": "these:"}


class SourceView(Step):
    """Choose a layer or open a path, and labels, or a level.

    Signals
    -------
    layer_chosen(object)
        The key of a listed layer.
    path_chosen(str)
        A path typed or picked.
    kind_chosen(object)
        What the voxels are.
    changed
        Labels or the level were chosen.
    """

    layer_chosen = Signal(object)
    path_chosen = Signal(str)
    kind_chosen = Signal(object)
    changed = Signal()

    def __init__(self) -> None:
        super().__init__(1, "Volume", "What surfaces are made of: labels, probabilities or a distance map.")
        self.layers = LayerChoice("meshLayer", "A labels or image layer of this viewer.")
        self.layers.setPlaceholderText("no labels layer yet")
        self.layers.chosen.connect(self.layer_chosen)
        self.browse = QToolButton()
        self.browse.setObjectName("meshBrowse")
        self.browse.setText("Browse")
        self.browse.setToolTip("Open a volume as a layer; only metadata is read.")
        self.browse.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.browse.setMenu(self._menu())
        self.kind = Choice("meshKind", _KINDS, "What the voxels are; found out from the layer, change it if need be.")
        self.kind.chosen.connect(self.kind_chosen)
        self.what = Choice(
            "meshWhat", _WHAT, "Every label but 0, the one that is selected in the layer, or those that you name."
        )
        self.what.currentIndexChanged.connect(self._on_what)
        self.these = _line("meshThese", "1, 5, 9 or 4-6", "Names or numbers of labels, or numbers of channels.")
        self.level = _line("meshLevel", "0.5", "Inside is above it for probabilities, and below it for distances.")
        for line in (self.these, self.level):
            line.textChanged.connect(lambda _: self.changed.emit())
        self.rows = Rows()
        self.rows.add("Layer", beside(self.layers, self.browse))
        self.rows.add("Kind", self.kind)
        self.rows.add("Labels", beside(self.what, self.these))
        self.rows.add("Level", self.level)
        self.body.addLayout(self.rows)
        self.show_kind("labels", channels=1)
        self._on_what()

    def show_layers(self, layers: Mapping[object, str], current: object | None) -> None:
        """List layers by key, with their names, and select one."""
        self.layers.show_layers(layers, current)

    def show_kind(self, kind: str, channels: int) -> None:
        """Show what the voxels are, and what can be chosen of them."""
        self.kind.show_value(kind)
        self.rows.show_row("Labels", shown=kind == "labels" or channels > 1)
        self.rows.show_row("Level", shown=kind != "labels")
        self.level.setPlaceholderText("0" if kind == "distance" else "0.5")

    def show_selected(self, label: int | None) -> None:
        """Say which label is selected in the layer."""
        name = _WHAT["selected"] if label is None else f"{_WHAT['selected']} ({label})"
        self.what.setItemText(self.what.findData("selected"), name)

    def _on_what(self, *_: object) -> None:
        self.these.setVisible(self.what.currentData() == "these")
        self.changed.emit()

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.addAction("File (TIFF, NIfTI, NumPy)…", lambda: self._pick(choose_file(self, "Open a volume")))
        menu.addAction("Folder (OME-Zarr, Zarr)…", lambda: self._pick(choose_folder(self, "Open a volume")))
        return menu

    def _pick(self, path: str) -> None:
        if path:
            self.path_chosen.emit(path)


def _line(name: str, placeholder: str, tooltip: str) -> QLineEdit:
    line = QLineEdit()
    line.setObjectName(name)
    line.setPlaceholderText(placeholder)
    line.setToolTip(tooltip)
    return line
