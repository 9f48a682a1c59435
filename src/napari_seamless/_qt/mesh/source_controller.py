"""Offers layers, opens paths, checks what was chosen, and knows which labels are wanted."""

from __future__ import annotations

import dataclasses
from typing import Any

from napari_seamless._napari.layers import image_layer, labels_layer
from napari_seamless._napari.tuning_layers import is_there
from napari_seamless._qt import text
from napari_seamless._qt.distance.classes import parse_classes
from napari_seamless._qt.distance.survey import layer_names
from napari_seamless._qt.mesh.kinds import is_image, is_labels, kind_of
from napari_seamless._qt.mesh.numbers import number
from napari_seamless._qt.mesh.source_view import SourceView
from napari_seamless._qt.mesh.state import MeshParts
from napari_seamless._qt.reasons import sentence
from napari_seamless.engine.mesh import Kind, MeshSettings
from napari_seamless.engine.mesh.source import Source
from napari_seamless.errors import SeamlessError, SettingsError
from napari_seamless.types import Volume
from napari_seamless.volume import open_volume


class SourceController:
    """Between `SourceView`, the viewer's layers and the state.

    Parameters
    ----------
    viewer : napari.Viewer
        Its labels and image layers are offered; opened paths become layers of it.
    view, parts
        The step's widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: SourceView, parts: MeshParts) -> None:
        self._viewer, self._view, self._state, self._worker = viewer, view, parts.state, parts.worker
        self._opened: dict[int, Volume] = {}
        self._followed: Any = None
        view.layer_chosen.connect(self._on_chosen)
        view.path_chosen.connect(self.open_path)
        view.kind_chosen.connect(self._on_kind)
        events = viewer.layers.events
        self._events = (events.inserted, events.removed, events.reordered, events.renamed)
        for event in self._events:
            event.connect(self._list)
        self._list()

    def choose(self, layer: Any, kind: Kind | None = None) -> None:
        """Take a layer; refusals go to the message line."""
        state = self._state
        state.layer, state.names = layer, layer_names(layer)
        self._follow(layer)
        try:
            volume = self._opened.get(hash(layer)) or open_volume(layer)
            state.kind = kind or kind_of(layer, volume)
            Source.open(volume, MeshSettings(kind=state.kind))
        except SeamlessError as error:
            state.volume = None
            self._view.set_remark("")
            state.say(str(error), "error")
        else:
            names = {**volume.label_names, **{value: name for value, name in state.names.items() if name}}
            state.volume = dataclasses.replace(volume, label_names=names)
            self._view.set_remark(text.voxel(volume.spacing, volume.units))
            state.say("")
        self._view.show_kind(state.kind, 1 if state.volume is None else state.volume.n_channels)

    def open_path(self, path: str) -> None:
        """Open a path on a thread, then show it as a layer and choose it."""

        def work() -> tuple[Volume, Any]:
            volume = open_volume(path)
            return volume, labels_layer(volume) if volume.is_labels else image_layer(volume)

        self._state.say(f"Opening {path} …")
        self._worker.start(work, self._on_opened, lambda error: self._state.say(sentence(error), "error"), name="open")

    def labels(self) -> tuple[int, ...] | None:
        """Return the chosen labels or channels; None for all.

        Raises
        ------
        SettingsError
            What is chosen names none.
        """
        state, what = self._state, self._view.what.currentData()
        if what == "all" or state.volume is None or not (state.kind == "labels" or state.volume.n_channels > 1):
            return None
        if what == "selected":
            return self._selected()
        channels = dict(enumerate(state.volume.channels))
        chosen = parse_classes(
            self._view.these.text(), state.volume.label_names if state.kind == "labels" else channels
        )
        if chosen is None:
            raise SettingsError("No label is named; type some, such as 1, 5 or 4-6, or choose all labels.")
        return chosen

    def level(self) -> float | None:
        """Return the level that was typed; None for the usual one.

        Raises
        ------
        SettingsError
            It is no number.
        """
        return (
            None if self._state.kind == "labels" else number(self._view.level.text(), "Level", "a number such as 0.5")
        )

    def close(self) -> None:
        """Stop listening to the viewer."""
        for event in self._events:
            event.disconnect(self._list)
        self._follow(None)

    def _selected(self) -> tuple[int, ...]:
        label = getattr(self._state.layer, "selected_label", None)
        if label is None:
            raise SettingsError("An image layer has no selected label; choose all labels, or name some.")
        if label == 0:
            raise SettingsError("The selected label is 0, which is the background; pick another in the labels layer.")
        return (int(label),)

    def _follow(self, layer: Any) -> None:
        """Hear which label is selected in a layer."""
        if self._followed is not None:
            self._followed.events.selected_label.disconnect(self._on_selected)
        self._followed = layer if is_labels(layer) else None
        if self._followed is not None:
            self._followed.events.selected_label.connect(self._on_selected)
        self._view.show_selected(None if self._followed is None else int(layer.selected_label))

    def _on_selected(self, *_: object) -> None:
        self._view.show_selected(int(self._followed.selected_label))
        if self._view.what.currentData() == "selected":
            self._view.changed.emit()

    def _on_opened(self, opened: tuple[Volume, Any]) -> None:
        from napari.layers import Layer

        volume, layer_tuple = opened
        layer = Layer.create(*layer_tuple)
        self._opened[hash(layer)] = volume
        self._viewer.add_layer(layer)
        self.choose(layer)
        self._list()

    def _on_chosen(self, key: int) -> None:
        for layer in self._layers():
            if hash(layer) == key:
                self.choose(layer)

    def _on_kind(self, kind: Kind) -> None:
        if self._state.layer is not None:
            self.choose(self._state.layer, kind)

    def _layers(self) -> list[Any]:
        return [layer for layer in self._viewer.layers if is_labels(layer) or is_image(layer)]

    def _list(self, *_: object) -> None:
        layers, state = self._layers(), self._state
        if state.layer is not None and not is_there(self._viewer, state.layer):
            self._opened.pop(hash(state.layer), None)
            self._follow(None)
            state.layer = state.volume = None
            self._view.set_remark("")
        labels = [layer for layer in layers if is_labels(layer)]
        if state.layer is None and labels:
            self.choose(labels[-1])
        self._view.show_layers(
            {hash(layer): layer.name for layer in layers}, None if state.layer is None else hash(state.layer)
        )
