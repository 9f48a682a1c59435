"""Choices that both docks offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from napari_seamless._qt.views.step import Choice

BORDERS = {
    "squeeze": "squeeze: patches closer",
    "edge": "edge: last one shifted",
    "adaptive": "adaptive: last one smaller",
    "crop": "crop: rest left out",
    "pad": "pad: volume extended",
}
WINDOWS = {
    "gaussian": "gaussian: favours centre",
    "constant": "constant: all alike",
    "hann": "hann: fades to the edge",
    "triangle": "triangle: fades evenly",
}
ALL_CHANNELS = -1
"""Stands for None: a combo box cannot look for that."""


class LayerChoice(Choice):
    """A list of layers of the viewer, by key."""

    def __init__(self, name: str, tooltip: str) -> None:
        super().__init__(name, {}, tooltip)

    def show_layers(self, layers: Mapping[object, str], current: object | None) -> None:
        """List layers with their names, and select one."""
        self.clear()
        for key, name in layers.items():
            self.addItem(name, key)
        self.show_value(current)


class ChannelChoice(Choice):
    """One channel of a volume, or all of them; `chosen` then emits `ALL_CHANNELS`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, {}, "What the network gets: one channel of the volume, or all of them.")

    def show_channels(self, names: Sequence[str], current: int | None) -> None:
        """List the channels where there are several, and select one or all."""
        self.clear()
        self.addItem("all channels", ALL_CHANNELS)
        for index, name in enumerate(names):
            self.addItem(name, index)
        self.show_value(ALL_CHANNELS if current is None else current)
        self.setVisible(len(names) > 1)


class NetworkChoice(Choice):
    """The bundled network, and those that were opened."""

    def __init__(self, name: str, tooltip: str) -> None:
        super().__init__(name, {"demo": "Demo: brain tissue (MeshNet)"}, tooltip)
        self.setPlaceholderText("choose a network")
        self.setCurrentIndex(-1)

    def show_network(self, source: str | None, text: str) -> None:
        """Select a network, listing it first where it is new."""
        if source is not None and self.findData(source) < 0:
            self.addItem(text, source)
        self.show_value(source)
