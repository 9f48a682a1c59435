"""Step 1: where settings are compared, and with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton

from napari_seamless._qt.views.browse import choose_network
from napari_seamless._qt.views.choices import ALL_CHANNELS, ChannelChoice, LayerChoice, NetworkChoice
from napari_seamless._qt.views.region_edit import RegionEdit
from napari_seamless._qt.views.step import Choice, Step, beside, named_rows

NO_TRUTH = -1


class SourceView(Step):
    """Choose a layer, a network, reference labels and a region.

    Signals
    -------
    layer_chosen, truth_chosen(object)
        The key of a listed layer; None for no reference.
    path_chosen(str)
        Never emitted here: paths are opened in the other dock or by napari.
    channel_chosen(object)
        The index of a channel; None for all of them.
    network_chosen(object)
        ``"demo"`` or a path.
    """

    layer_chosen = Signal(object)
    truth_chosen = Signal(object)
    path_chosen = Signal(str)
    channel_chosen = Signal(object)
    network_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(1, "Region", "A part of the volume, where settings are compared.")
        self.layers = LayerChoice("tuneLayer", "An image layer of this viewer.")
        self.layers.setPlaceholderText("no image layer yet")
        self.layers.chosen.connect(self.layer_chosen)
        self.channel = ChannelChoice("tuneChannel")
        self.channel.chosen.connect(lambda value: self.channel_chosen.emit(None if value == ALL_CHANNELS else value))
        self.networks = NetworkChoice("tuneNetwork", "The trained network.")
        self.networks.chosen.connect(self.network_chosen)
        self.browse = QPushButton("Browse")
        self.browse.setToolTip("Open a TorchScript file (.pt). Open only files that you trust: they contain code.")
        self.browse.clicked.connect(self._browse)
        self.truth = Choice(
            "truth",
            {},
            "Reference labels to compare with. Without them, settings are compared with the labels of the densest "
            "overlap: a proxy, which says how close a setting comes to the best of this network.",
        )
        self.truth.chosen.connect(lambda value: self.truth_chosen.emit(None if value == NO_TRUTH else value))
        self.region = RegionEdit()
        self.region.line.setPlaceholderText("found for you")
        self.region.line.setToolTip(
            "Where to compare, such as z=64:128,y=20:84,x=50:114, in voxels. Empty: where the classes of the reference "
            "meet, or else where intensities vary most; two patches along each axis."
        )
        self._lay_out()
        self.show_channels((), None)
        self.show_truths({}, None)

    def show_layers(self, layers: Mapping[object, str], current: object | None) -> None:
        """List layers by key, with their names, and select one."""
        self.layers.show_layers(layers, current)

    def show_truths(self, layers: Mapping[object, str], current: object | None) -> None:
        """List labels layers by key, and select one or none."""
        self.truth.clear()
        self.truth.addItem("none", NO_TRUTH)
        for key, name in layers.items():
            self.truth.addItem(name, key)
        self.truth.show_value(NO_TRUTH if current is None else current)

    def show_volume(self, facts: dict[str, str], _: str) -> None:
        """Show the shape beside the title."""
        self.set_remark(facts.get("Shape", ""))

    def show_channels(self, names: Sequence[str], current: int | None) -> None:
        """List the channels where there are several, and select one or all."""
        self.channel.show_channels(names, current)

    def show_network(self, source: str | None, text: str, *_: Any) -> None:
        """Select a network, listing it first where it is new."""
        self.networks.show_network(source, text)

    def _lay_out(self) -> None:
        rows = {
            "Volume": beside(self.layers, self.channel),
            "Network": beside(self.networks, self.browse),
            "Reference": self.truth,
            "Region": self.region,
        }
        self.body.addLayout(named_rows(rows))

    def _browse(self) -> None:
        if path := choose_network(self):
            self.network_chosen.emit(path)
