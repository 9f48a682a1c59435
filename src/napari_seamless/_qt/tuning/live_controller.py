"""Draws the setting that is looked at, from what was evaluated, on the slice that is in sight."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import QObject

from napari_seamless._napari.tuning_layers import RegionLayers
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.rest import rest
from napari_seamless._qt.tuning.parts import TuningParts
from napari_seamless.engine.classes import class_colors
from napari_seamless.engine.tuning import Blended, Candidate, Tuner
from napari_seamless.types import Box

SETTLE_MS = 500
SLAB = 8
"""Slices that are blended at once where the whole region is: a change of the setting need not wait for more."""
PATIENCE_SECONDS = 0.05
"""A slice that is there so soon is drawn together with the slider that asked for it, in one picture."""
PREVIEW = 4
"""Of this many voxels along each axis one is blended, where all of the region is in sight in 3D."""


class LiveController(QObject):
    """Between the state and the layers of result and seams.

    One slice is blended at a time, on a thread; what is asked for meanwhile comes next, and only the last of it. In 3D
    it is a coarse preview of the region. When the setting rests, the whole region is blended beside it.

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
        self._busy, self._again, self._filling = False, False, False
        self._asked_at = 0.0
        self.seconds = 0.0
        """Time from the last change to the moment when its result was handed to the layers."""
        self._settle_soon = rest(self, SETTLE_MS, self._settle)
        self._tuning.events.tuner.connect(self._on_tuner)
        self._tuning.events.candidate.connect(self._on_candidate)
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

    def redraw(self, patience: float = 0.0) -> None:
        """Blend what is in sight again, now or as soon as the last blend is there; wait for it a moment."""
        self._asked_at = time.perf_counter()
        self._settle_soon.stop()
        self._start(patience)

    def _on_tuner(self, *_: object) -> None:
        if self.layers is not None:
            self.layers.remove()
        self.layers, self._shown, self._whole = None, None, None

    def _on_revision(self, *_: object) -> None:
        self._whole = None
        self.redraw()

    def _on_candidate(self, *_: object) -> None:
        """Blend another setting; the processor is free for it unless patches are evaluated."""
        self.redraw(0.0 if self._parts.state.phase.busy else PATIENCE_SECONDS)

    def _on_view(self, *_: object) -> None:
        """Blend the slice that has come into sight, unless the whole region is there."""
        if self._whole is None or self._whole[0] != self._tuning.candidate:
            self.redraw()

    def _start(self, patience: float = 0.0) -> None:
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
        else:
            self._blend(tuner, candidate, box, patience)

    def _blend(self, tuner: Tuner, candidate: Candidate, box: Box, patience: float) -> None:
        self._busy, self._again = True, False
        every = PREVIEW if self._viewer.dims.ndisplay == 3 else 1
        self._parts.worker.start(
            lambda: tuner.blend(candidate, box, every=every),
            lambda blended: self._on_blended(tuner, candidate, blended),
            lambda error: self._on_failed(tuner, error),
            name="blend",
            patience=patience,
        )

    def _on_blended(self, tuner: Tuner, candidate: Candidate, blended: Blended) -> None:
        self._busy = False
        if self._is_wanted(tuner, candidate):
            self._show(candidate, [blended])
            self.seconds = time.perf_counter() - self._asked_at
            self._settle_soon.start()
        if self._again:
            self._start()

    def _on_failed(self, tuner: Tuner, error: Exception) -> None:
        self._busy = False
        if tuner is self._tuning.tuner:
            self._parts.state.say(sentence(error), "error")

    def _settle(self) -> None:
        """Blend the whole region, for other slices, when nothing else is going on."""
        tuner, candidate = self._tuning.tuner, self._tuning.candidate
        done = self._whole == (candidate, self._tuning.revision)
        if tuner is not None and self.layers is not None and not done and not self._parts.state.phase.busy:
            self._fill(tuner, candidate)

    def _fill(self, tuner: Tuner, candidate: Candidate) -> None:
        """Blend the whole region slab by slab, beside the slices, until another setting is looked at."""
        if self._filling:
            self._settle_soon.start()
            return
        self._filling = True
        revision = self._tuning.revision

        def work() -> list[Blended]:
            parts = []
            for slab in _slabs(tuner.region):
                if not self._is_wanted(tuner, candidate):
                    return []
                parts.append(tuner.blend(candidate, slab))
            return parts

        self._parts.worker.start(
            work,
            lambda parts: self._on_filled(tuner, candidate, revision, parts),
            lambda error: self._on_not_filled(tuner, error),
            name="fill",
        )

    def _on_filled(self, tuner: Tuner, candidate: Candidate, revision: int, parts: list[Blended]) -> None:
        self._filling = False
        if parts and self._is_wanted(tuner, candidate):
            self._show(candidate, parts)
            self._whole = (candidate, revision)
            self.seconds = time.perf_counter() - self._asked_at
        if self._whole != (self._tuning.candidate, self._tuning.revision):
            self._settle_soon.start()

    def _on_not_filled(self, tuner: Tuner, error: Exception) -> None:
        self._filling = False
        if tuner is self._tuning.tuner:
            self._parts.state.say(sentence(error), "error")

    def _is_wanted(self, tuner: Tuner, candidate: Candidate) -> bool:
        return tuner is self._tuning.tuner and self.layers is not None and candidate == self._tuning.candidate

    def _show(self, candidate: Candidate, parts: list[Blended]) -> None:
        if self.layers is None:
            return
        if self._shown != candidate:
            self.layers.clear()
            self._shown = candidate
        for part in parts:
            self.layers.write(part.box, part.labels, part.seam, part.every)
        self.layers.draw()

    def _make_layers(self, tuner: Tuner) -> RegionLayers:
        names = tuner.classes or ()
        colors = class_colors(tuner.model.spec, names)
        return RegionLayers(self._viewer, tuner.volume, tuner.region, names, colors)


def _slabs(region: Box) -> Iterator[Box]:
    """Cut a region along its first axis."""
    for first in range(region.start[0], region.stop[0], SLAB):
        last = min(first + SLAB, region.stop[0])
        yield Box((first, *region.start[1:]), (last, *region.stop[1:]))
