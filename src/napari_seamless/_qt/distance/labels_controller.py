"""Offers labels, checks the chosen ones, and finds out what classes they have."""

from __future__ import annotations

from typing import Any

from napari_seamless._napari.distance_layers import MARK
from napari_seamless._qt import text
from napari_seamless._qt.distance.classes import classes_text, parse_classes
from napari_seamless._qt.distance.labels_view import LabelsView
from napari_seamless._qt.distance.state import DistanceParts
from napari_seamless._qt.distance.survey import layer_names, survey
from napari_seamless.engine.distance.labels import open_labels, spacing_warnings
from napari_seamless.errors import SeamlessError, SettingsError


class LabelsController:
    """Between `LabelsView`, the viewer's layers and the state.

    Parameters
    ----------
    viewer : napari.Viewer
        Its labels layers are offered, and image layers that are no results.
    view, parts
        The step's widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: LabelsView, parts: DistanceParts) -> None:
        self._viewer, self._view, self._state, self._worker = viewer, view, parts.state, parts.worker
        view.layer_chosen.connect(self._on_chosen)
        view.class_toggled.connect(self._on_toggled)
        view.classes.textChanged.connect(self._on_text)
        events = viewer.layers.events
        self._events = (events.inserted, events.removed, events.reordered, events.renamed)
        for event in self._events:
            event.connect(self._list)
        self._list()

    def choose(self, layer: Any) -> None:
        """Take a layer; refusals go to the message line."""
        state = self._state
        state.layer, state.names = layer, {}
        self._view.show_classes({})
        self._view.classes.clear()
        try:
            state.volume = volume = open_labels(layer, None)
        except SeamlessError as error:
            state.volume = None
            state.say(str(error), "error")
            self._view.set_remark("")
            return
        coarse = spacing_warnings(volume)
        state.say(coarse[0] if coarse else "", "warning")
        self._view.set_remark(f"{text.times(volume.shape)}, {text.voxel(volume.spacing, volume.units)}")
        names = layer_names(layer)
        self._worker.start(
            lambda: survey(volume, names),
            lambda found: self._on_surveyed(volume, found),
            lambda _: None,  # what cannot be read is said when it is computed
            name="classes",
        )

    def classes(self) -> tuple[int, ...] | None:
        """Return the chosen label values; None for all.

        Raises
        ------
        SettingsError
            What is typed names no classes.
        """
        return parse_classes(self._view.classes.text(), _named(self._state.names))

    def close(self) -> None:
        """Stop listening to the viewer."""
        for event in self._events:
            event.disconnect(self._list)

    def _on_surveyed(self, volume: Any, found: dict[int, str]) -> None:
        if volume is self._state.volume:
            self._state.names = found
            self._view.show_classes(found)
            self._on_text()

    def _on_chosen(self, key: int) -> None:
        for layer in self._layers():
            if hash(layer) == key:
                self.choose(layer)

    def _on_toggled(self, value: int, on: bool) -> None:
        try:
            chosen = list(self.classes() or ())
        except SettingsError:
            chosen = []
        chosen = [other for other in chosen if other != value] + ([value] if on else [])
        self._view.classes.setText(classes_text(chosen, _named(self._state.names)))

    def _on_text(self, *_: object) -> None:
        try:
            self._view.show_chosen(self.classes())
        except SettingsError:
            self._view.show_chosen(None)

    def _layers(self) -> list[Any]:
        return [layer for layer in self._viewer.layers if _is_labels(layer) or _may_hold_labels(layer)]

    def _list(self, *_: object) -> None:
        layers, state = self._layers(), self._state
        keys = [hash(layer) for layer in layers]
        if state.layer is not None and hash(state.layer) not in keys:
            state.layer = state.volume = None
            self._view.set_remark("")
        labels = [layer for layer in layers if _is_labels(layer)]
        if state.layer is None and labels:
            self.choose(labels[-1])
        names = {key: layer.name for key, layer in zip(keys, layers, strict=True)}
        self._view.show_layers(names, None if state.layer is None else hash(state.layer))


def _named(names: Any) -> dict[int, str]:
    return {value: name for value, name in names.items() if name}


def _is_labels(layer: Any) -> bool:
    return hasattr(layer, "selected_label")


def _may_hold_labels(layer: Any) -> bool:
    is_result = layer.metadata.get("napari-seamless result") or layer.metadata.get(MARK)
    return hasattr(layer, "contrast_limits") and not getattr(layer, "rgb", False) and not is_result
