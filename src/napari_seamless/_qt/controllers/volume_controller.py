"""Keeps the list of layers true, opens paths, and puts the chosen volume into the state."""

from __future__ import annotations

from typing import Any

from napari_seamless._napari.layers import image_layer, labels_layer
from napari_seamless._qt import text
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.views.volume_view import VolumeView
from napari_seamless.errors import SeamlessError
from napari_seamless.types import Volume


class VolumeController:
    """Between `VolumeView`, the viewer's layers and the state.

    Parameters
    ----------
    viewer : napari.Viewer
        Its image layers are offered; opened paths become layers of it.
    view, parts
        The step's widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: VolumeView, parts: Parts) -> None:
        self._viewer, self._view = viewer, view
        self._state, self._worker, self._core = parts.state, parts.worker, parts.core
        state = parts.state
        self._opened: dict[int, tuple[Any, Volume]] = {}
        self._generation = 0
        view.layer_chosen.connect(self._on_chosen)
        view.path_chosen.connect(self.open_path)
        view.channel_chosen.connect(lambda channel: state.change(channel=channel))
        events = viewer.layers.events
        events.inserted.connect(self._on_inserted)
        events.removed.connect(self._on_removed)
        events.reordered.connect(self._list_layers)
        events.renamed.connect(self._list_layers)
        state.events.volume.connect(self._show)
        state.events.volume.connect(self._forget_channel)
        state.events.values.connect(self._show_channels)
        images = self._images()
        self._list_layers()
        if images:
            self.choose(images[-1])
        else:
            self._show()

    def choose(self, layer: Any) -> None:
        """Take a layer as the volume; refusals go to the message line."""
        self._generation += 1
        self._state.layer = layer
        opened = self._opened.get(_key(layer))
        try:
            self._state.volume = opened[1] if opened else self._core.open_volume(layer)
        except SeamlessError as error:
            self._state.volume = None
            self._state.say(str(error), "error")
        else:
            self._forget_error()
        self._list_layers()

    def open_path(self, path: str) -> None:
        """Open a path on a thread, then show it as a layer and choose it."""
        self._generation += 1
        generation = self._generation

        def work() -> tuple[Volume, Any]:
            volume = self._core.open_volume(path)
            return volume, labels_layer(volume) if volume.is_labels else image_layer(volume)

        self._state.say(f"Opening {path} …")
        self._worker.start(
            work,
            lambda opened: self._on_opened(generation, *opened),
            lambda error: self._on_refused(generation, path, error),
            name="open",
        )

    def close(self) -> None:
        """Stop listening to the viewer."""
        events = self._viewer.layers.events
        events.inserted.disconnect(self._on_inserted)
        events.removed.disconnect(self._on_removed)
        events.reordered.disconnect(self._list_layers)
        events.renamed.disconnect(self._list_layers)

    def _on_opened(self, generation: int, volume: Volume, layer_tuple: Any) -> None:
        from napari.layers import Layer

        if generation != self._generation:
            return
        layer = Layer.create(*layer_tuple)
        self._opened[_key(layer)] = (layer, volume)
        self._viewer.add_layer(layer)
        self.choose(layer)

    def _on_refused(self, generation: int, path: str, error: Exception) -> None:
        if generation == self._generation:
            sentence = str(error) if isinstance(error, SeamlessError) else f"{path} cannot be opened: {error}."
            self._state.say(sentence, "error")

    def _on_chosen(self, key: int) -> None:
        for layer in self._images():
            if _key(layer) == key:
                self.choose(layer)

    def _on_inserted(self, event: Any) -> None:
        if self._state.layer is None and event.value in self._images() and not self._state.phase.busy:
            self.choose(event.value)
        else:
            self._list_layers()

    def _on_removed(self, event: Any) -> None:
        self._opened.pop(_key(event.value), None)
        if self._state.layer is not None and event.value == self._state.layer:
            self._state.layer = None
            if self._state.phase.busy:
                self._state.say("The volume's layer was removed; the run goes on with what it has opened.", "warning")
            images = self._images()
            if images:
                self.choose(images[-1])
                return
            self._state.volume = None
        self._list_layers()

    def _images(self) -> list[Any]:
        """Return the layers that can be segmented: images, and volumes opened here."""
        return [
            layer
            for layer in self._viewer.layers
            if (type(layer).__name__ == "Image" or _is_image(layer) or _key(layer) in self._opened)
            and not layer.metadata.get("napari-seamless result")
        ]

    def _list_layers(self, *_: object) -> None:
        layers = {_key(layer): layer.name for layer in self._images()}
        self._view.show_layers(layers, None if self._state.layer is None else _key(self._state.layer))

    def _forget_error(self) -> None:
        if self._state.message.severity == "error" or self._state.message.text.startswith("Opening "):
            self._state.say("")

    def _forget_channel(self, volume: Volume | None) -> None:
        """Take all channels again where the volume has no channel of that number."""
        channel = self._state.values["channel"]
        if channel is not None and (volume is None or channel >= volume.n_channels):
            self._state.change(channel=None)
        else:
            self._show_channels()

    def _show_channels(self, *_: object) -> None:
        volume = self._state.volume
        self._view.show_channels(() if volume is None else channel_names(volume), self._state.values["channel"])

    def _show(self, *_: object) -> None:
        volume = self._state.volume
        if volume is None:
            self._view.show_volume({}, "")
            return
        self._view.show_volume(volume_facts(volume), volume.name)


def volume_facts(volume: Volume) -> dict[str, str]:
    """Return what is shown of a volume."""
    n_bytes = volume.dtype.itemsize
    for length in volume.shape:
        n_bytes *= length
    levels = len(volume.levels)
    return {
        "Shape": f"{text.times(volume.shape)}  ({' '.join(volume.axes)})",
        "Voxel": text.voxel(volume.spacing, volume.units),
        "Data": f"{volume.dtype}, {text.size(n_bytes)}, {levels} {'level' if levels == 1 else 'levels'}",
    }


def channel_names(volume: Volume) -> tuple[str, ...]:
    """Return a name for each channel; none where there is no axis of channels."""
    n = volume.n_channels if "c" in volume.axes else 0
    return volume.channels if len(volume.channels) == n else tuple(f"channel {index}" for index in range(n))


def _key(layer: Any) -> int:
    """Return an identity that is the same for a layer and for a proxy of it."""
    return hash(layer)


def _is_image(layer: Any) -> bool:
    from napari.layers import Image

    return isinstance(layer, Image)
