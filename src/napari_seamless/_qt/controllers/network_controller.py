"""Loads networks on a thread and puts the chosen one into the state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_seamless._qt import text
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.views.network_view import NetworkView
from napari_seamless.errors import SeamlessError
from napari_seamless.types import Model, ModelSpec

_INPUT = {
    "none": "as stored",
    "minmax": "whole volume scaled to 0 … 1",
    "zscore": "whole volume, mean 0 and deviation 1",
}


class NetworkController:
    """Between `NetworkView`, the loaders and the state."""

    def __init__(self, view: NetworkView, parts: Parts) -> None:
        self._view = view
        self._state, self._worker, self._core = parts.state, parts.worker, parts.core
        state = parts.state
        self._source: str | None = None
        self._text = ""
        self._generation = 0
        view.network_chosen.connect(self.choose)
        state.events.model.connect(self._show)

    def choose(self, source: Any) -> None:
        """Load a network: ``"demo"``, a path, or anything that `load_model` takes."""
        self._generation += 1
        generation = self._generation
        self._state.say("Loading the network …")
        self._worker.start(
            lambda: self._core.load_model(source),
            lambda model: self._on_loaded(generation, source, model),
            lambda error: self._on_refused(generation, error),
            name="load",
        )

    def _on_loaded(self, generation: int, source: Any, model: Model) -> None:
        if generation != self._generation:
            return
        self._source = source if isinstance(source, str) else model.spec.name
        self._text = Path(self._source).name if isinstance(source, str) else model.spec.name
        if self._state.message.severity in {"info", "error"}:
            self._state.say("")
        self._state.model = model
        if model.spec.patch_size is not None:
            self._state.change(patch_size=one_or_all(model.spec.patch_size))

    def _on_refused(self, generation: int, error: Exception) -> None:
        if generation != self._generation:
            return
        sentence = str(error) if isinstance(error, SeamlessError) else f"The network cannot be loaded: {error}."
        self._state.say(sentence, "error")
        self._show()

    def _show(self, *_: object) -> None:
        model = self._state.model
        if model is None:
            self._view.show_network(None, "", {}, "")
        else:
            self._view.show_network(self._source, self._text, network_facts(model.spec), model.spec.name)


def network_facts(spec: ModelSpec) -> dict[str, str]:
    """Return what is shown of a network."""
    channels = "found by the first patch" if spec.in_channels is None else f"{spec.in_channels} in"
    if spec.in_channels is not None and spec.out_channels is not None:
        channels += f", {spec.out_channels} out"
    if any(n > 1 for n in spec.divisor):
        channels += f"; patch in multiples of {text.times(spec.divisor)}"
    return {
        "Classes": ", ".join(spec.classes) if spec.classes else "no names",
        "Channels": channels,
        "Input": _INPUT[spec.normalization.kind],
    }


def one_or_all(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return one number where all are alike."""
    return sizes[0] if len(set(sizes)) == 1 else sizes
