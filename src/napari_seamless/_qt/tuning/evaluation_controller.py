"""Evaluates a region on a thread, scores settings, and refines the one that is looked at."""

from __future__ import annotations

import math
import time
from typing import Any

from qtpy.QtCore import QObject

from napari_seamless._napari.in_sight import box_in_sight
from napari_seamless._qt import text
from napari_seamless._qt.controllers.clock import RunClock
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.rest import rest
from napari_seamless._qt.state import Phase, Severity
from napari_seamless._qt.tuning.evaluate_view import EvaluateView
from napari_seamless._qt.tuning.parts import TuningParts
from napari_seamless.engine.events import Measuring, Progress, Warned
from napari_seamless.engine.tuning import Advice, Point, Tuner, advise, default_region, lattice_candidates
from napari_seamless.errors import RunCancelledError, SeamlessError
from napari_seamless.recipe import make_settings
from napari_seamless.types import Box

PROGRESS_SECONDS = 0.25
REVISION_SECONDS = 1.0
"""Between two pictures of an evaluation: drawing takes the processor from it where there is no graphics card."""
REFINE_MS = 300
ONE_LATTICE = (0.0, 0.25, 0.5, 0.75)


class EvaluationController(QObject):
    """Between `EvaluateView`, the state and a `Tuner`.

    Parameters
    ----------
    viewer : napari.Viewer
        What it shows is evaluated first.
    view, parts
        The widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: EvaluateView, parts: TuningParts) -> None:
        super().__init__(view)
        self._viewer, self._view, self._parts = viewer, view, parts
        self._state, self._tuning = parts.state, parts.tuning
        self._control: Any = None
        self._refining = False
        self._clock = RunClock()
        self._generation = 0
        self._revised = -math.inf
        self._refine_soon = rest(self, REFINE_MS, self._refine)
        view.evaluate_asked.connect(self.evaluate)
        view.cancel_asked.connect(self.cancel)
        for name in ("volume", "model", "phase"):
            getattr(self._state.events, name).connect(self._show_phase)
        for name in ("volume", "model", "values"):
            getattr(self._state.events, name).connect(self._on_input)
        self._tuning.events.truth.connect(self._on_input)
        self._state.events.message.connect(view.show_message)
        self._tuning.events.candidate.connect(self._on_candidate)
        self._key: Any = None
        self._show_phase()

    def evaluate(self) -> None:
        """Evaluate the region with the densest overlap, then score the overlaps and windows on its lattice."""
        if self._state.phase.busy:
            return
        self.stop()
        truth = self._tuning.truth
        try:
            chosen = {"patch_size": self._tuning.candidate.patch_size, "write": "labels", "region": None}
            settings = make_settings(**self._state.values | chosen)
            truth = None if truth is None else self._parts.core.open_volume(truth)
        except SeamlessError as error:
            self._state.say(str(error), "error")
            return
        reused = self._tuning.tuner if self._can_go_on() else None
        if reused is None:
            self.forget()
        generation, control = self._begin("Choosing a region …" if reused is None else "")
        volume, model, region = self._state.volume, self._state.model, self._state.values["region"]
        size, post = self._tuning.candidate.patch_size, self._parts.worker.post

        def work() -> Tuner:
            tuner = reused
            if tuner is None:
                box = region or default_region(volume, truth, patch_size=size)
                tuner = Tuner(volume, model, settings, box, truth=truth)
                post(self._on_tuner, generation, tuner)
            candidates = lattice_candidates(size, overlaps=ONE_LATTICE)
            tuner.curve(
                candidates,
                lambda point: post(self._on_point, generation, point),
                control,
                on_progress=self._listener(generation),
            )
            return tuner

        self._start(work, generation, "tune")

    def cancel(self) -> None:
        """Stop after the current batch."""
        if self._control is not None:
            self._control.cancel()
            self._state.phase = Phase.STOPPING
            self._state.say("Stopping after the current batch …")

    def stop(self) -> None:
        """Cancel what is going on and hear no more of it."""
        self._generation += 1
        self._refine_soon.stop()
        if self._control is not None:
            self._control.cancel()
            self._control = None
            self._state.phase = Phase.IDLE
            self._view.show_progress(0, 0, "")

    def forget(self) -> None:
        """Drop what was evaluated."""
        tuner, self._tuning.tuner = self._tuning.tuner, None
        self._tuning.points, self._tuning.advice, self._tuning.kept = (), None, None
        if tuner is not None:
            self._parts.worker.start(tuner.close, lambda _: None, lambda _: None, name="close")

    def close(self) -> None:
        """Cancel."""
        self.stop()

    def look(self, *_: object) -> None:
        """Tell an evaluation what is in sight."""
        if self._control is not None and self._state.layer is not None and self._state.volume is not None:
            self._control.look_at(box_in_sight(self._viewer, self._state.layer, self._state.volume))

    def _begin(self, words: str) -> tuple[int, Any]:
        self._generation += 1
        self._control, self._refining = self._parts.core.make_control(), False
        self._clock = RunClock()
        self._state.phase = Phase.RUNNING
        self._state.say(words)
        self._view.show_progress(0, 0, "")
        self.look()
        return self._generation, self._control

    def _start(self, work: Any, generation: int, name: str) -> None:
        self._parts.worker.start(
            work,
            lambda _: self._on_done(generation),
            lambda error: self._on_failed(generation, error),
            name=name,
        )

    def _listener(self, generation: int) -> Any:
        """Return what the engine's threads call: it only puts events into the queue, not too often."""
        post, last = self._parts.worker.post, [0.0]

        def on_event(event: Any) -> None:
            now = time.monotonic()
            if isinstance(event, Measuring | Progress):
                if now - last[0] < PROGRESS_SECONDS and event.done < event.total:
                    return
                last[0] = now
            post(self._on_event, generation, event)

        return on_event

    def _on_event(self, generation: int, event: Any) -> None:
        if generation != self._generation:
            return
        if isinstance(event, Progress):
            left = self._clock.left(event.done, event.total)
            self._view.show_progress(event.done, event.total, "" if left is None else f"{text.duration(left)} left")
            self._state.say("") if self._state.message.severity == "info" else None
            self._revise()
        elif isinstance(event, Measuring):
            self._state.say(f"Measuring intensities {event.done / event.total:.0%}")
        elif isinstance(event, Warned):
            self._state.say(event.text, "warning")

    def _revise(self) -> None:
        """Have the patches that are there drawn, now and then."""
        now = time.monotonic()
        if now - self._revised >= REVISION_SECONDS:
            self._revised = now
            self._tuning.revision += 1

    def _on_tuner(self, generation: int, tuner: Tuner) -> None:
        if generation != self._generation:
            tuner.close()
            return
        self._key = None
        self._state.change(region=box_text(tuner.region, tuner.volume.spatial_axes))
        self._key = self._input()
        self._tuning.tuner = tuner
        self._state.say("")

    def _on_point(self, generation: int, point: Point) -> None:
        if generation == self._generation:
            others = [known for known in self._tuning.points if known.candidate != point.candidate]
            points = (*others, point)
            self._tuning.advice = advise(points)
            self._tuning.points = points

    def _on_done(self, generation: int) -> None:
        if generation != self._generation:
            return
        self._control = None
        self._state.phase = Phase.IDLE
        self._view.show_progress(self._view.progress.maximum(), self._view.progress.maximum(), "")
        self._tuning.revision += 1
        if self._state.message.severity != "warning" and self._tuning.advice is not None:
            self._state.say(*advice_words(self._tuning.advice))
        if self._is_missing():
            self._refine_soon.start()

    def _on_failed(self, generation: int, error: Exception) -> None:
        if generation != self._generation:
            return
        self._control = None
        self._state.phase = Phase.IDLE
        self._view.show_progress(self._view.progress.value(), self._view.progress.maximum(), "")
        cancelled = isinstance(error, RunCancelledError)
        words = "Cancelled; what was evaluated is kept, and Evaluate goes on from there." if cancelled else ""
        self._state.say(words or sentence(error), "info" if cancelled else "error")
        self._tuning.revision += 1

    def _on_candidate(self, *_: object) -> None:
        """Evaluate in a moment what the setting needs and is not there, unless the whole curve is on its way."""
        self._refine_soon.stop()
        tuner = self._tuning.tuner
        if tuner is None:
            return
        if self._refining and self._control is not None:
            self.stop()
        if not self._state.phase.busy and self._tuning.points:
            self._refine_soon.start()

    def _is_missing(self) -> bool:
        return self._tuning.tuner is not None and bool(self._tuning.points) and self._tuning.point() is None

    def _refine(self) -> None:
        """Score the setting that is looked at where it is not known yet."""
        tuner, candidate = self._tuning.tuner, self._tuning.candidate
        if tuner is None or self._state.phase.busy or not self._is_missing():
            return
        generation, control = self._begin("Evaluating the patches that are missing …")
        self._refining = True
        post = self._parts.worker.post

        def work() -> None:
            point = tuner.score(candidate, on_progress=self._listener(generation), control=control)
            post(self._on_point, generation, point)

        self._start(work, generation, "refine")

    def _input(self) -> Any:
        values = self._state.values
        return (self._state.volume, self._state.model, values["region"], values["channel"], self._tuning.truth)

    def _can_go_on(self) -> bool:
        """Return whether what was evaluated can be compared with what comes: same input, same reference."""
        tuner = self._tuning.tuner
        same = tuner is not None and tuner.plan_size() == self._tuning.candidate.patch_size
        return tuner is not None and self._key is not None and (same or tuner.has_truth)

    def _on_input(self, *_: object) -> None:
        """Drop what was evaluated on another volume or region, or with another network or reference."""
        if self._tuning.tuner is None or self._key is None:
            return
        new = self._input()
        if any(a is not b and not (isinstance(a, str | int) and a == b) for a, b in zip(self._key, new, strict=True)):
            self._key = None
            self.stop()
            self.forget()
            self._state.say("The input has changed; press Evaluate.")

    def _show_phase(self, *_: object) -> None:
        ready = self._state.volume is not None and self._state.model is not None
        self._view.show_phase(busy=self._state.phase.busy, ready=ready)


def advice_words(advice: Advice[Point]) -> tuple[str, Severity]:
    """Return what to say of a recommendation; where nothing is worth recommending, it is a warning."""
    if advice.recommended.dice > 0:
        return f"Recommended: {advice.sentence}", "done"
    return advice.sentence, "warning"


def box_text(box: Box, axes: tuple[str, ...]) -> str:
    """Return a region as people type it."""
    return ",".join(f"{axis}={a}:{b}" for axis, a, b in zip(axes, box.start, box.stop, strict=True))
