"""Shows two settings in linked layers, and where they differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.experimental import link_layers
from qtpy.QtCore import QObject

from napari_seamless._napari.layers import labels_layer
from napari_seamless._napari.tuning_layers import add_layer, region_volume, remove_layer
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.rest import rest
from napari_seamless._qt.tuning.live_controller import LiveController
from napari_seamless._qt.tuning.parts import TuningParts
from napari_seamless._qt.tuning.setting_view import SettingView
from napari_seamless.engine.classes import class_colors
from napari_seamless.engine.tuning import Candidate, Tuner

LINKED = ("opacity", "contour", "blending", "rendering")
DIFFERENCE_COLOR = (255, 79, 163, 255)
AGAIN_MS = 400


class CompareController(QObject):
    """Between the buttons for A and B, the state and three layers.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layers.
    view, parts
        The widget, and what the controllers share.
    live : LiveController
        Its layers are hidden while two settings are compared.
    """

    def __init__(self, viewer: Any, view: SettingView, parts: TuningParts, live: LiveController) -> None:
        super().__init__(view)
        self._viewer, self._view, self._parts, self._live = viewer, view, parts, live
        self._tuning = parts.tuning
        self.layers: list[Any] = []
        self._generation = 0
        self._again = rest(self, AGAIN_MS, self._compare)
        view.keep_asked.connect(self.keep)
        view.compare_asked.connect(self._on_asked)
        self._tuning.events.candidate.connect(self._on_candidate)
        self._tuning.events.tuner.connect(self._on_tuner)

    def keep(self) -> None:
        """Remember the setting that is looked at as A."""
        self._tuning.kept = self._tuning.candidate
        self._parts.state.say(f"A is {self._tuning.candidate.words}; choose B and press Compare A/B.")
        if self._view.compare.isChecked():
            self._again.start()

    def close(self) -> None:
        """Drop what is waiting; layers stay."""
        self._again.stop()
        self._generation += 1

    def _on_asked(self, wanted: bool) -> None:
        if wanted:
            self._compare()
        else:
            self._hide()

    def _on_candidate(self, *_: object) -> None:
        if self._view.compare.isChecked():
            self._again.start()

    def _on_tuner(self, *_: object) -> None:
        self._view.compare.setChecked(False)

    def _compare(self) -> None:
        tuner, a, b = self._tuning.tuner, self._tuning.kept, self._tuning.candidate
        if tuner is None or a is None or not self._view.compare.isChecked():
            return
        self._generation += 1
        generation = self._generation

        def work() -> Any:
            return [tuner.blend(candidate, seam=False) for candidate in (a, b)]

        self._parts.worker.start(
            work,
            lambda blended: self._on_blended(generation, tuner, (a, b), blended),
            lambda error: self._on_failed(generation, error),
            name="compare",
        )

    def _on_blended(self, generation: int, tuner: Tuner, settings: tuple[Candidate, Candidate], blended: Any) -> None:
        if generation != self._generation:
            return
        self._hide()
        a, b = (part.labels for part in blended)
        self.layers = [self._add(tuner, a, f"A: {settings[0].words}"), self._add(tuner, b, f"B: {settings[1].words}")]
        link_layers(self.layers, LINKED)
        self.layers[0].visible = False  # one over the other would mix their colours
        differ = (a != b).astype(np.uint8)
        self.layers.append(self._add_difference(tuner, differ))
        self._show_live(False)
        rest_words = "" if all(part.complete for part in blended) else " Patches that are missing were left out."
        self._parts.state.say(
            f"B lies over the image, A is hidden. They differ in {differ.mean():.2%} of the voxels of the region, "
            f"which are outlined.{rest_words}"
        )

    def _on_failed(self, generation: int, error: Exception) -> None:
        if generation == self._generation:
            self._parts.state.say(sentence(error), "error")

    def _add(self, tuner: Tuner, labels: Any, name: str) -> Any:
        names = tuner.classes or ()
        volume = region_volume(tuner.volume, tuner.region, labels, name)
        colors = class_colors(tuner.model.spec, names)
        return add_layer(self._viewer, labels_layer(volume, colors=colors, names=dict(enumerate(names))))

    def _add_difference(self, tuner: Tuner, differ: Any) -> Any:
        volume = region_volume(tuner.volume, tuner.region, differ, "A and B differ")
        names = {0: "same", 1: "differs"}
        colors = ((0, 0, 0, 0), DIFFERENCE_COLOR)
        layer = add_layer(self._viewer, labels_layer(volume, colors=colors, names=names, opacity=1.0))
        layer.contour = 1
        return layer

    def _hide(self) -> None:
        for layer in self.layers:
            remove_layer(self._viewer, layer)
        self.layers = []
        self._show_live(True)

    def _show_live(self, shown: bool) -> None:
        if self._live.layers is not None:
            for layer in self._live.layers.layers:
                layer.visible = shown
