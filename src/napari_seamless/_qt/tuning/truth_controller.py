"""Offers the labels layers of the viewer as reference."""

from __future__ import annotations

from typing import Any

from napari_seamless._qt.tuning.parts import TuningParts
from napari_seamless._qt.tuning.source_view import SourceView


class TruthController:
    """Between the list of references, the viewer's layers and the state.

    Parameters
    ----------
    viewer : napari.Viewer
        Its labels layers are offered, results of this plugin are not.
    view, parts
        The widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: SourceView, parts: TuningParts) -> None:
        self._viewer, self._view, self._tuning = viewer, view, parts.tuning
        view.truth_chosen.connect(self._on_chosen)
        events = viewer.layers.events
        self._events = (events.inserted, events.removed, events.reordered, events.renamed)
        for event in self._events:
            event.connect(self._list)
        self._tuning.events.truth.connect(self._list)
        self._list()

    def close(self) -> None:
        """Stop listening to the viewer."""
        for event in self._events:
            event.disconnect(self._list)

    def _on_chosen(self, key: int | None) -> None:
        self._tuning.truth = self._layers().get(key)

    def _layers(self) -> dict[int | None, Any]:
        found = [layer for layer in self._viewer.layers if type(layer).__name__ == "Labels" or _is_labels(layer)]
        return {hash(layer): layer for layer in found if not layer.metadata.get("napari-seamless result")}

    def _list(self, *_: object) -> None:
        layers, truth = self._layers(), self._tuning.truth
        if truth is not None and hash(truth) not in layers:
            self._tuning.truth = truth = None
        names = {key: layer.name for key, layer in layers.items()}
        self._view.show_truths(names, None if truth is None else hash(truth))


def _is_labels(layer: Any) -> bool:
    from napari.layers import Labels

    return isinstance(layer, Labels)
