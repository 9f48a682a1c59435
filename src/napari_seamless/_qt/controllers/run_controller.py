"""Starts, watches, pauses and cancels the run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from napari_seamless._napari.growing import GrowingLayers
from napari_seamless._napari.layers import labels_layer, probability_layers
from napari_seamless._qt import text
from napari_seamless._qt.controllers.clock import RunClock
from napari_seamless._qt.controllers.sight_controller import SightController
from napari_seamless._qt.controllers.tiling_controller import TilingController
from napari_seamless._qt.pacing import paced
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.state import Phase
from napari_seamless._qt.views.run_view import RunView
from napari_seamless.engine.classes import class_colors
from napari_seamless.engine.events import ChunkWritten, Measuring, Progress, Started, Warned
from napari_seamless.errors import RunCancelledError, SeamlessError

STAGES = ("read", "forward", "blend", "write")
SHOW_SECONDS = 5.0
"""Longest time that the engine waits for the result's layer to appear."""


class RunController:
    """Between `RunView`, the engine's run and the result's layers.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the result's layers.
    view, parts
        The step's widget, and what the controllers share.
    tiling : TilingController
        Makes the job.
    sight : SightController
        Tells the run what is looked at.
    """

    def __init__(
        self, viewer: Any, view: RunView, parts: Parts, tiling: TilingController, sight: SightController
    ) -> None:
        self._viewer, self._view, self._tiling, self._sight = viewer, view, tiling, sight
        self._state, self._worker, self._core = parts.state, parts.worker, parts.core
        state = parts.state
        self._control: Any = None
        self._job: Any = None
        self._result: GrowingLayers | None = None
        self._shown = threading.Event()
        self._clock = RunClock()
        self._end = ""
        self.on_finished: Callable[[Any, str, list[Any]], None] = lambda *_: None
        view.run_asked.connect(self.run)
        view.pause_asked.connect(self.pause_or_resume)
        view.cancel_asked.connect(self.cancel)
        for name in ("phase", "volume", "model"):
            getattr(state.events, name).connect(self._show_phase)
        state.events.message.connect(view.show_message)
        self._show_phase()

    def run(self) -> None:
        """Start a run unless one is under way."""
        if self._state.phase.busy:
            return
        job = self._tiling.new_job()
        if job is None:
            return
        self._job, self._control, self._end = job, self._core.make_control(), ""
        self._shown, self._clock = threading.Event(), RunClock()
        self._state.phase = Phase.RUNNING
        self._state.say("Starting …")
        self._view.show_timings({})
        self._view.show_progress(0, job.plan.n_patches, "")
        self._sight.follow(self._control, job.volume)
        control, on_event, lock = self._control, self._listener(), self._tiling.network_lock
        settled = self._tiling.settle(job)

        def work() -> Any:
            # A measurement that is still at its patch has the network until it is done.
            with lock:
                return settled().run(on_event=on_event, control=control)

        self._worker.start(work, self._on_done, self._on_failed, name="run")

    def pause_or_resume(self) -> None:
        """Pause a run, or let a paused one go on."""
        if self._control is None:
            return
        if self._state.phase is Phase.RUNNING:
            self._control.pause()
            self._clock.pause()
            self._state.phase = Phase.PAUSED
            self._state.say("Paused after the current batch; nothing is lost.")
        elif self._state.phase is Phase.PAUSED:
            self._control.resume()
            self._clock.resume()
            self._state.phase = Phase.RUNNING
            self._state.say("")

    def cancel(self, reason: str = "") -> None:
        """Ask the run to end after the current batch; `reason` is what the message line says then."""
        if self._control is not None and self._state.phase in {Phase.RUNNING, Phase.PAUSED}:
            self._end = reason
            self._control.cancel()
            self._state.phase = Phase.STOPPING
            self._state.say(reason or "Stopping after the current batch …")

    def close(self) -> None:
        """Cancel and let go of the viewer."""
        self._sight.stop()
        if self._control is not None:
            self._control.cancel()
        self._shown.set()
        if self._result is not None:
            self._result.close()
            self._result = None

    def _listener(self) -> Any:
        """Return what the engine's threads call: it only puts events into the queue, progress not too often."""
        post, shown = self._worker.post, self._shown

        def on_event(event: Any) -> None:
            post(self._on_event, event)
            if isinstance(event, Started):
                # The layer is there before the first patch is in it; napari builds it without the network in its way.
                shown.wait(SHOW_SECONDS)

        return paced(on_event)

    def _on_event(self, event: Any) -> None:
        if isinstance(event, Started):
            try:
                self._on_started(event)
            finally:
                self._shown.set()
        elif isinstance(event, ChunkWritten) and self._result is not None:
            self._result.add(event.box)
        elif isinstance(event, Progress):
            self._on_progress(event)
        elif isinstance(event, Measuring) and self._state.phase is Phase.RUNNING:
            self._state.say(f"Measuring intensities {event.done / event.total:.0%}")
        elif isinstance(event, Warned):
            self._state.say(event.text, "warning")

    def _on_started(self, event: Started) -> None:
        spec, volume = self._job.model.spec, event.volume
        names = tuple(volume.label_names.values()) if volume.is_labels else volume.channels
        colors = class_colors(spec, names)
        layers = (
            [labels_layer(volume, colors=colors)] if volume.is_labels else probability_layers(volume, names, colors)
        )
        self._result = GrowingLayers(self._viewer, layers, self._on_result_removed)
        if self._state.phase is Phase.RUNNING and self._state.message.severity == "info":
            self._state.say("")

    def _on_progress(self, event: Progress) -> None:
        left = self._clock.left(event.done, event.total)
        self._view.show_progress(event.done, event.total, "" if left is None else f"{text.duration(left)} left")

    def _on_result_removed(self) -> None:
        """Without its layer nobody would find a result in memory; one on disk stays."""
        if self._job.output is None:
            self.cancel("The result's layer was removed, so the run was cancelled.")
        elif self._state.phase.busy:
            self._state.say(
                f"The result's layer was removed; the run goes on and writes {self._job.output}.", "warning"
            )

    def _on_done(self, result: Any) -> None:
        layers = [] if self._result is None else list(self._result.layers)
        self._finish()
        self.on_finished(result, self._job.model.spec.name, layers)
        self._view.show_progress(result.patches, result.patches, f"{text.duration(result.timings['total'])} in total")
        timings = result.timings
        self._view.show_timings({stage: timings.get(stage, 0.0) for stage in STAGES}, timings.get("wait", 0.0))
        if result.warnings:
            self._state.say(result.warnings[-1], "warning")
        else:
            where = f" in {result.path}" if result.path else ""
            self._state.say(f"Done: {result.patches} patches{where}.", "done")

    def _on_failed(self, error: Exception) -> None:
        self._finish()
        if isinstance(error, RunCancelledError):
            self._state.say(self._end or str(error), "warning" if self._end else "info")
        elif isinstance(error, SeamlessError):
            self._state.say(str(error), "error")
        else:
            self._state.say(f"The run stopped: {type(error).__name__}: {error}.", "error")

    def _finish(self) -> None:
        self._sight.stop()
        if self._result is not None:
            self._result.finish()
            self._result = None
        self._control = None
        self._view.show_progress(self._view.progress.value(), self._view.progress.maximum(), "")
        self._state.phase = Phase.IDLE

    def _show_phase(self, *_: object) -> None:
        state = self._state
        self._view.show_phase(state.phase, ready=state.volume is not None and state.model is not None)
