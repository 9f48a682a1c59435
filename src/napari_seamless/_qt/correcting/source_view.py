"""Step 1: what is corrected, and where corrections are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLineEdit, QPushButton, QSpinBox

from napari_seamless._qt.correcting.session import SCRATCH
from napari_seamless._qt.views.browse import choose_folder, choose_network
from napari_seamless._qt.views.choices import ALL_CHANNELS, ChannelChoice, LayerChoice, NetworkChoice
from napari_seamless._qt.views.step import Step, beside, named_rows

MOST_CLASSES = 20


class SourceView(Step):
    """Choose a layer, a network and a folder, and start.

    Signals
    -------
    layer_chosen(object)
        The key of a listed layer.
    path_chosen(str)
        Never emitted here: paths are opened in the other dock or by napari.
    channel_chosen(object)
        The index of a channel; None for all of them.
    network_chosen(object)
        ``"demo"`` or a path.
    scratch_chosen(int)
        A new network for so many classes.
    folder_changed(str)
        Where corrections are kept; empty for the default.
    start_asked
        The button.
    """

    layer_chosen = Signal(object)
    path_chosen = Signal(str)
    channel_chosen = Signal(object)
    network_chosen = Signal(object)
    scratch_chosen = Signal(int)
    folder_changed = Signal(str)
    start_asked = Signal()

    def __init__(self) -> None:
        super().__init__(1, "Volume and network", "What is corrected. The network that you choose stays as it is.")
        self.layers = LayerChoice("correctLayer", "An image layer of this viewer.")
        self.layers.setPlaceholderText("no image layer yet")
        self.layers.chosen.connect(self.layer_chosen)
        self.channel = ChannelChoice("correctChannel")
        self.channel.chosen.connect(lambda value: self.channel_chosen.emit(None if value == ALL_CHANNELS else value))
        self.networks = NetworkChoice(
            "correctNetwork",
            "The network to correct. The new small U-Net has learnt nothing: it starts from what you paint.",
        )
        self.networks.addItem("New: small U-Net, from scribbles", SCRATCH)
        self.networks.setCurrentIndex(-1)
        self.networks.chosen.connect(self._on_network)
        self.browse = QPushButton("Browse")
        self.browse.setToolTip("Open a TorchScript file (.pt). Open only files that you trust: they contain code.")
        self.browse.clicked.connect(self._browse_network)
        self.classes = QSpinBox()
        self.classes.setObjectName("scratchClasses")
        self.classes.setRange(2, MOST_CLASSES)
        self.classes.setSuffix(" classes")
        self.classes.setToolTip("How many classes the new network tells apart, the background among them.")
        self.classes.setVisible(False)
        self.classes.valueChanged.connect(self.scratch_chosen)
        self._make_folder()
        self.start = QPushButton("Start")
        self.start.setObjectName("correctStart")
        self.start.setProperty("main", True)
        self.start.setToolTip("Open the corrections of this volume and the states of this network, or make them.")
        self.start.clicked.connect(lambda _: self.start_asked.emit())
        self._lay_out()
        self.show_channels((), None)

    def show_layers(self, layers: Mapping[object, str], current: object | None) -> None:
        """List layers by key, with their names, and select one."""
        self.layers.show_layers(layers, current)

    def show_volume(self, facts: dict[str, str], _: str) -> None:
        """Show the shape beside the title."""
        self.set_remark(facts.get("Shape", ""))

    def show_channels(self, names: Sequence[str], current: int | None) -> None:
        """List the channels where there are several, and select one or all."""
        self.channel.show_channels(names, current)

    def show_network(self, source: str | None, text: str, *_: Any) -> None:
        """Select a network, listing it first where it is new."""
        self.networks.show_network(source, text)
        self.classes.setVisible(source == SCRATCH)

    def show_folder(self, default: str) -> None:
        """Show where corrections are kept where nobody says otherwise."""
        self.folder.setPlaceholderText(default or "beside the volume")
        self.folder.setToolTip(
            "Folder of the corrections, a Zarr array that holds painted chunks only. They are saved while you paint, "
            f"and opened again where they exist. Empty: {default or 'beside the volume'}"
        )

    def show_ready(self, *, ready: bool, is_open: bool, busy: bool) -> None:
        """Enable what makes sense now."""
        self.start.setEnabled(ready and not is_open and not busy)
        self.start.setText("Started" if is_open else "Start")
        inputs = (self.layers, self.channel, self.networks, self.browse, self.classes)
        for widget in (*inputs, self.folder, self.folder_browse):
            widget.setEnabled(not busy)

    def _make_folder(self) -> None:
        self.folder = QLineEdit()
        self.folder.setObjectName("correctFolder")
        self.folder.setClearButtonEnabled(True)
        self.folder.textChanged.connect(lambda text: self.folder_changed.emit(text.strip()))
        self.folder_browse = QPushButton("Browse")
        self.folder_browse.clicked.connect(self._browse_folder)
        self.show_folder("")

    def _lay_out(self) -> None:
        rows = {
            "Volume": beside(self.layers, self.channel),
            "Network": beside(self.networks, self.classes, self.browse),
            "Kept in": beside(self.folder, self.folder_browse),
        }
        self.body.addLayout(named_rows(rows))
        self.body.addWidget(self.start)

    def _on_network(self, source: str) -> None:
        self.classes.setVisible(source == SCRATCH)
        if source == SCRATCH:
            self.scratch_chosen.emit(self.classes.value())
        else:
            self.network_chosen.emit(source)

    def _browse_network(self) -> None:
        if path := choose_network(self):
            self.network_chosen.emit(path)

    def _browse_folder(self) -> None:
        if path := choose_folder(self, "Keep corrections in"):
            self.folder.setText(path)
