"""Step 1: which volume."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QToolButton

from napari_seamless._qt.views.browse import choose_file, choose_folder
from napari_seamless._qt.views.choices import ALL_CHANNELS, ChannelChoice, LayerChoice
from napari_seamless._qt.views.region_edit import RegionEdit
from napari_seamless._qt.views.step import Facts, Step

_FACTS = {
    "Shape": "Voxels along each axis, slowest first.",
    "Voxel": "Distance between voxel centres. The result keeps it.",
    "Data": "Type of a voxel, uncompressed size of the finest level, pyramid levels. "
    "It need not fit into memory: only patches are read.",
}


class VolumeView(Step):
    """Choose a layer or open a path, a channel and a region of it; shows what is known of it.

    Signals
    -------
    layer_chosen(object)
        The key of a listed layer.
    path_chosen(str)
        A path typed or picked.
    channel_chosen(object)
        The index of a channel; None for all of them.
    """

    layer_chosen = Signal(object)
    path_chosen = Signal(str)
    channel_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(1, "Volume", "The image to segment. It stays where it is and is read patch by patch.")
        self.layers = LayerChoice("layer", "An image layer of this viewer.")
        self.layers.setPlaceholderText("no image layer yet")
        self.layers.chosen.connect(self.layer_chosen)
        self.path = QLineEdit()
        self.path.setObjectName("volumePath")
        self.path.setPlaceholderText("or open a path: OME-Zarr, Zarr, TIFF, NIfTI, NumPy")
        self.path.setToolTip("Type or paste a path or address and press Enter. Only metadata is read.")
        self.path.setClearButtonEnabled(True)
        self.path.returnPressed.connect(self._emit_path)
        browse = QToolButton()
        browse.setObjectName("volumeBrowse")
        browse.setText("Browse")
        browse.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        browse.setMenu(self._menu())
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.path, 1)
        row.addWidget(browse)
        self.facts = Facts(_FACTS)
        self.channel = ChannelChoice("channel")
        self.channel.chosen.connect(lambda value: self.channel_chosen.emit(None if value == ALL_CHANNELS else value))
        self.channel_title = self.facts.add_row("Channel", self.channel)
        self.region = RegionEdit()
        self.facts.add_row("Region", self.region)
        self.show_channels((), None)
        self.body.addWidget(self.layers)
        self.body.addLayout(row)
        self.body.addWidget(self.facts)

    def show_layers(self, layers: dict[object, str], current: object | None) -> None:
        """List layers by key, with their names, and select one."""
        self.layers.show_layers(layers, current)

    def show_volume(self, facts: dict[str, str], remark: str) -> None:
        """Show what is known of the volume, or dashes."""
        self.facts.show_facts(facts)
        self.set_remark(remark)

    def show_channels(self, names: Sequence[str], current: int | None) -> None:
        """List the channels where there are several, and select one or all."""
        self.channel.show_channels(names, current)
        self.channel_title.setVisible(len(names) > 1)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.addAction("File (TIFF, NIfTI, NumPy)…", lambda: self._pick(choose_file(self, "Open a volume")))
        menu.addAction("Folder (OME-Zarr, Zarr)…", lambda: self._pick(choose_folder(self, "Open a volume")))
        return menu

    def _pick(self, path: str) -> None:
        if path:
            self.path.setText(path)
            self.path_chosen.emit(path)

    def _emit_path(self) -> None:
        if text := self.path.text().strip():
            self.path_chosen.emit(text)
