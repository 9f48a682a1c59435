"""Draws the setting that is looked at, from what was evaluated, on the slice that is in sight."""

from __future__ import annotations

import time
from typing import Any

from qtpy.QtCore import QObject

from napari_seamless._napari.tuning_layers import RegionLayers
from napari_seamless._qt.tuning.parts import TuningParts, rest, sentence
from napari_seamless.engine.classes import class_colors
from napari_seamless.engine.tuning import Candidate, Tuner
from napari_seamless.types import Box

SETTLE_MS = 500


class LiveController(QObject):
    """Between the state and the layers of result and seams.

    One box is blended at a time, on a thread; what is asked for meanwhile comes next, and only the last of it.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layers; its slice says what to blend.
    parts
        What the controllers share.
    """

    def __init__(self, viewer: Any, parts: TuningParts, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._parts, self._tuning = viewer, parts, parts.tuning
        self.layers: RegionLayers | None = None
        self._shown: Candidate | None = None
        self._whole: tuple[Candidate, int] | None = None
        self._busy, self._again = False, False
        self._asked_at = 0.0
        self.seconds = 0.0
        """Time from the last change to the moment when its result was handed to the layers."""
        self._settle_soon = rest(self, SETTLE_MS, self._settle)
        self._tuning.events.tuner.connect(self._on_tuner)
        self._tuning.events.candidate.connect(self.redraw)
        self._tuning.events.revision.connect(self._on_revision)
        dims = viewer.dims.events
        self._dims = (dims.point, dims.order, dims.ndisplay)
        for event in self._dims:
            event.connect(self._on_view)

    def close(self) -> None:
        """Stop listening; the layers stay."""
        self._settle_soon.stop()
        for event in self._dims:
            event.disconnect(self._on_view)

    def redraw(self, *_: object) -> None:
        """Blend what is in sight again, now or as soon as the last blend is there."""
        self._asked_at = time.perf_counter()
        self._settle_soon.stop()
        self._start()

    def _on_tuner(self, *_: object) -> None:
        if self.layers is not None:
            self.layers.remove()
        self.layers, self._shown, self._whole = None, None, None

    def _on_revision(self, *_: object) -> None:
        self._whole = None
        self.redraw()

    def _on_view(self, *_: object) -> None:
        """Blend the slice that has come into sight, unless the whole region is there."""
        if self._whole is None or self._whole[0] != self._tuning.candidate:
            self.redraw()

    def _start(self) -> None:
        tuner, candidate = self._tuning.tuner, self._tuning.candidate
        if tuner is None or tuner.classes is None:
            return
        if self._busy:
            self._again = True
            return
        layers = self.layers = self.layers or self._make_layers(tuner)
        box = layers.box_in_sight()
        if box is None:
            self._settle_soon.start()
            return
        self._blend(tuner, candidate, box)

    def _blend(self, tuner: Tuner, candidate: Candidate, box: Box) -> None:
        self._busy, self._again = True, False
        revision = self._tuning.revision
        self._parts.worker.start(
            lambda: tuner.blend(candidate, box),
            lambda blended: self._on_blended(tuner, candidate, revision, blended),
            lambda error: self._on_failed(tuner, error),
            name="blend",
        )

    def _on_blended(self, tuner: Tuner, candidate: Candidate, revision: int, blended: Any) -> None:
        self._busy = False
        if tuner is self._tuning.tuner and self.layers is not None and candidate == self._tuning.candidate:
            if self._shown != candidate:
                self.layers.clear()
                self._shown = candidate
            self.layers.show(blended.box, blended.labels, blended.seam)
            self.seconds = time.perf_counter() - self._asked_at
            if blended.box == self.layers.region:
                self._whole = (candidate, revision)
            else:
                self._settle_soon.start()
        if self._again:
            self._start()

    def _on_failed(self, tuner: Tuner, error: Exception) -> None:
        self._busy = False
        if tuner is self._tuning.tuner:
            self._parts.state.say(sentence(error), "error")

    def _settle(self) -> None:
        """Blend the whole region, for other slices and for 3D, when nothing else is going on."""
        tuner, candidate = self._tuning.tuner, self._tuning.candidate
        done = self._whole == (candidate, self._tuning.revision)
        if tuner is None or done or self._busy or self._parts.state.phase.busy or self.layers is None:
            return
        self._blend(tuner, candidate, tuner.region)

    def _make_layers(self, tuner: Tuner) -> RegionLayers:
        names = tuner.classes or ()
        colors = class_colors(tuner.model.spec, names)
        return RegionLayers(self._viewer, tuner.volume, tuner.region, names, colors)
