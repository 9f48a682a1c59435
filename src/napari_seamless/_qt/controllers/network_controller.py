"""Loads networks on a thread and puts the chosen one into the state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from napari_seamless._qt import text
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.views.network_view import NetworkView
from napari_seamless.errors import SeamlessError
from napari_seamless.models.oss_net import OSSNet, load
from napari_seamless.models.oss_net.recognise import is_oss_net_file
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
            lambda: load(source) if _is_oss_net(source) else self._core.load_model(source),
            lambda model: self._on_loaded(generation, source, model),
            lambda error: self._on_refused(generation, error),
            name="load",
        )

    def _on_loaded(self, generation: int, source: Any, model: Model | OSSNet) -> None:
        if generation != self._generation:
            return
        if isinstance(model, OSSNet):
            self._take_oss_net(str(source), model)
            return
        self._state.occupancy = None
        self._source = source if isinstance(source, str) else model.spec.name
        self._text = Path(self._source).name if isinstance(source, str) else model.spec.name
        if self._state.message.severity in {"info", "error"}:
            self._state.say("")
        self._state.model = model
        if model.spec.patch_size is not None:
            self._state.change(patch_size=one_or_all(model.spec.patch_size))

    def _take_oss_net(self, path: str, network: OSSNet) -> None:
        self._source, self._text = path, Path(path).name
        if self._state.message.severity in {"info", "error"}:
            self._state.say("")
        self._state.model = None
        self._state.occupancy = network
        self._show()

    def _on_refused(self, generation: int, error: Exception) -> None:
        if generation != self._generation:
            return
        sentence = str(error) if isinstance(error, SeamlessError) else f"The network cannot be loaded: {error}."
        self._state.say(sentence, "error")
        self._show()

    def _show(self, *_: object) -> None:
        model, oss_net = self._state.model, self._state.occupancy
        if oss_net is not None:
            self._view.show_network(self._source, self._text, oss_net_facts(oss_net), oss_net.settings.name)
        elif model is None:
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


def oss_net_facts(network: OSSNet) -> dict[str, str]:
    """Return what is shown of a network that answers coordinates."""
    settings = network.settings
    size = f"{text.times([2 * n for n in settings.encoder_size])} voxels at once"
    return {
        "Classes": "background, inside" if settings.classes == 1 else f"{settings.classes}",
        "Channels": f"{settings.channels} in; any size"
        if settings.encoder == "skip"
        else f"{settings.channels} in; {size}",
        "Input": _INPUT["zscore"],
    }


def _is_oss_net(source: Any) -> bool:
    return isinstance(source, str | os.PathLike) and is_oss_net_file(source)


def one_or_all(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return one number where all are alike."""
    return sizes[0] if len(set(sizes)) == 1 else sizes
