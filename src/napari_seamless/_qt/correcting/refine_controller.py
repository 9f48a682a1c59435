"""Lets the network learn on a thread and shows how far it is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QObject

from napari_seamless._qt import text
from napari_seamless._qt.correcting.parts import CorrectingParts
from napari_seamless._qt.correcting.refine_view import RefineView
from napari_seamless._qt.correcting.session import Session
from napari_seamless._qt.correcting.state import LossPoint
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.state import Phase
from napari_seamless.engine.events import Measuring
from napari_seamless.errors import RunCancelledError, SeamlessError
from napari_seamless.quality import PatchPerformance
from napari_seamless.training.refine_events import Refined, RefineEvent, Refining
from napari_seamless.training.refine_settings import RefineSettings, make_refine_settings

MOST_POINTS = 2000


class RefineController(QObject):
    """Between `RefineView`, the state and a `Refiner`.

    Parameters
    ----------
    view, parts
        The widget, and what the controllers share.
    """

    def __init__(self, view: RefineView, parts: CorrectingParts) -> None:
        super().__init__(view)
        self._view, self._parts = view, parts
        self._state, self._correcting = parts.state, parts.correcting
        self._control: Any = None
        self._settings = RefineSettings()
        view.refine_asked.connect(self.refine)
        view.stop_asked.connect(self.stop)
        self._state.events.phase.connect(self._show_phase)
        self._correcting.events.session.connect(self._on_session)
        self._correcting.events.losses.connect(self._show_losses)
        self._show_phase()

    def refine(self) -> None:
        """Learn from what is painted."""
        session = self._correcting.session
        if session is None or self._state.phase.busy:
            return
        try:
            values = {"patch_size": session.learning_patch, **self._view.values()}
            settings = make_refine_settings(channel=session.channel, **values)
        except SeamlessError as error:
            self._state.say(str(error), "error")
            return
        self._settings, self._control = settings, self._parts.core.make_control()
        control = self._control
        self._correcting.losses, self._correcting.performance = (), None
        self._state.say("")
        self._state.phase = Phase.RUNNING
        self._view.show_progress(0.0, "Starting …", "")
        self._parts.worker.start(
            lambda: self._learn(session, settings, control),
            lambda done: self._on_done(session, done),
            self._on_failed,
            name="refine",
        )

    def stop(self) -> None:
        """End after this update; the best weights so far are kept."""
        if self._control is not None and self._state.phase.busy:
            self._control.cancel()
            self._state.phase = Phase.STOPPING

    def close(self) -> None:
        """Ask the refinement to end; its thread keeps the best weights before it does."""
        if self._control is not None:
            self._control.cancel()

    def _learn(self, session: Session, settings: RefineSettings, control: Any) -> Refined:
        """Measure how well the network does before it learns, then let it learn; on a thread."""
        state = session.refiner.state
        if state is not None and not control.cancelled:
            dice = session.painted_dice(control)
            self._parts.worker.post(self._on_scored, session, state.number, dice)
        return session.refiner.run(settings, self._listener(session), control)

    def _on_scored(self, session: Session, number: int, dice: float | None) -> None:
        if session is self._correcting.session and dice is not None:
            self._correcting.dice = {**(self._correcting.dice or {}), number: dice}

    def _listener(self, session: Session) -> Callable[[RefineEvent], None]:
        """Return what the refinement calls from its thread."""
        post = self._parts.worker.post

        def listen(event: RefineEvent) -> None:
            if isinstance(event, Measuring):
                post(self._on_measuring, event)
            elif isinstance(event, Refining):
                post(
                    self._on_step, session, event, error_map(event.performance), copied(event.performance.state_dict())
                )

        return listen

    def _on_measuring(self, event: Measuring) -> None:
        self._view.show_progress(event.done / event.total, "Measuring the volume …", "")

    def _on_step(self, session: Session, event: Refining, errors: np.ndarray, measured: Any) -> None:
        if session is not self._correcting.session:
            return
        point = LossPoint(event.step, event.painted_loss, event.rehearsal_loss)
        losses = (*self._correcting.losses, point)
        # a curve of an hour needs no point for each second
        self._correcting.losses = losses if len(losses) <= MOST_POINTS else (*losses[:-1:2], point)
        self._correcting.performance, self._correcting.measured = errors, measured
        self._correcting.revision += 1
        share = self._settings.share_done(event.step, event.seconds)
        left = event.seconds * (1 / share - 1) if share else None
        self._view.show_progress(
            share, f"update {event.step}, loss {event.loss:.3g}", "" if left is None else f"{text.duration(left)} left"
        )

    def _on_done(self, session: Session, done: Refined) -> None:
        self._control = None
        if session is self._correcting.session:
            self._correcting.look_at_states()
            self._show_end(done)
        self._state.phase = Phase.IDLE
        self._correcting.revision += 1

    def _show_end(self, done: Refined) -> None:
        self._view.show_progress(1.0 if done.steps else 0.0, f"{done.steps} updates", text.duration(done.seconds))
        if done.state is None:
            self._state.say("Stopped before the first update; the network is as it was.", "warning")
        else:
            ended = "Stopped" if done.was_stopped else "Done"
            self._state.say(
                f"{ended} after {done.steps} updates; the best weights are state {done.state.number}.", "done"
            )

    def _on_failed(self, error: Exception) -> None:
        self._control = None
        self._state.phase = Phase.IDLE
        self._view.show_progress(0.0, "", "")
        if isinstance(error, RunCancelledError):
            self._state.say("Stopped before the first update; the network is as it was.", "warning")
            return
        # the network may be refined although its state cannot be stored
        self._correcting.revision += 1
        self._state.say(sentence(error), "error")

    def _on_session(self, *_: object) -> None:
        session = self._correcting.session
        if session is not None and session.is_untrained:
            self._view.rehearsal.setValue(0)
        self._view.show_progress(0.0, "", "")
        self._show_phase()

    def _show_phase(self, *_: object) -> None:
        phase = self._state.phase
        ready = self._correcting.session is not None
        self._view.show_phase(ready=ready, busy=phase.busy, stopping=phase is Phase.STOPPING)

    def _show_losses(self, *_: object) -> None:
        self._view.losses.show_losses(self._correcting.losses)


def error_map(performance: PatchPerformance) -> np.ndarray:
    """Return the error rate by the coordinate in the patch; NaN where nobody has painted."""
    with warnings.catch_warnings():
        # a refinement that diverges is seen in the map
        warnings.simplefilter("ignore", UserWarning)
        return np.asarray(performance.calculate_performance().cpu())


def copied(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state that stays as it is while the refinement goes on."""
    return {name: value.clone() if hasattr(value, "clone") else value for name, value in state.items()}
