"""One long piece of work at a time: its phase, progress, end and cancelling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_seamless._qt import text
from napari_seamless._qt.controllers.clock import RunClock
from napari_seamless._qt.mesh.make_view import MakeView
from napari_seamless._qt.mesh.state import MeshParts
from napari_seamless._qt.pacing import paced
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.state import Phase
from napari_seamless.engine.control import Control
from napari_seamless.engine.events import OnEvent, Progress
from napari_seamless.errors import RunCancelledError


class Runner:
    """Runs what makes, colours or writes surfaces, on a thread.

    Parameters
    ----------
    view, parts
        The widget with progress and Cancel, and what the controllers share.
    """

    def __init__(self, view: MakeView, parts: MeshParts) -> None:
        self._view, self._state, self._worker = view, parts.state, parts.worker
        self._control: Control | None = None
        self._clock = RunClock()
        view.cancel_asked.connect(self.cancel)
        parts.state.events.message.connect(view.show_message)
        parts.state.events.phase.connect(self._show_phase)
        parts.state.events.volume.connect(self._show_phase)
        view.show_message(parts.state.message)
        self._show_phase()

    def run(
        self, work: Callable[[OnEvent, Control], Any], on_done: Callable[[Any], None], *, saying: str, cancelled: str
    ) -> None:
        """Start, unless something is under way.

        Parameters
        ----------
        work : callable
            Called on a thread with what it tells of progress, and what cancels it.
        on_done : callable
            Called with what came of it.
        saying, cancelled : str
            The message meanwhile, and after a cancel.
        """
        state = self._state
        if state.phase.busy:
            return
        control = self._control = Control()
        self._clock = RunClock()
        state.phase = Phase.RUNNING
        state.say(saying)
        self._view.show_progress(0, 1, "")
        listener = self._listener()
        self._worker.start(
            lambda: work(listener, control),
            lambda result: self._on_done(on_done, result),
            lambda error: self._on_failed(error, cancelled),
            name="meshes",
        )

    def cancel(self) -> None:
        """Ask the work to end."""
        if self._control is not None and self._state.phase is Phase.RUNNING:
            self._control.cancel()
            self._state.phase = Phase.STOPPING
            self._state.say("Stopping …")

    def close(self) -> None:
        """Cancel without a word."""
        if self._control is not None:
            self._control.cancel()

    def _listener(self) -> OnEvent:
        post = self._worker.post

        def on_event(event: Any) -> None:
            if isinstance(event, Progress):
                post(self._on_progress, event)

        return paced(on_event)

    def _on_progress(self, event: Progress) -> None:
        if self._state.phase.busy:
            left = self._clock.left(event.done, event.total)
            self._view.show_progress(event.done, event.total, "" if left is None else f"{text.duration(left)} left")

    def _on_done(self, on_done: Callable[[Any], None], result: Any) -> None:
        self._finish()
        self._view.show_progress(1, 1, "")
        on_done(result)

    def _on_failed(self, error: Exception, cancelled: str) -> None:
        self._finish()
        self._view.show_progress(0, 0, "")
        if isinstance(error, RunCancelledError):
            self._state.say(cancelled)
        else:
            self._state.say(_one_sentence(error), "error")

    def _finish(self) -> None:
        self._control = None
        self._state.phase = Phase.IDLE

    def _show_phase(self, *_: object) -> None:
        self._view.show_phase(busy=self._state.phase.busy, ready=self._state.volume is not None)


def _one_sentence(error: Exception) -> str:
    """Return what to say of an error, a refusal of the file system or of the memory too."""
    if isinstance(error, MemoryError):
        return "The memory is full; allow a larger error, choose fewer labels, or export without making layers."
    if isinstance(error, OSError):
        where = f" at {error.filename}" if error.filename else ""
        return f"The disk refused{where}: {error.strerror or error}; free some space, or choose another folder."
    return sentence(error)
