"""Goes back to earlier states, saves the network, and hands it to the dock that segments."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject

from napari_seamless._qt.correcting.parts import CorrectingParts
from napari_seamless._qt.correcting.session import Session
from napari_seamless._qt.correcting.states_view import StatesView
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.views.browse import choose_network_output
from napari_seamless.errors import RunCancelledError, SeamlessError
from napari_seamless.models import TorchModel, save_torchscript
from napari_seamless.training.checkpoint import write_whole

ENDING = ".pt"


class StatesController(QObject):
    """Between `StatesView`, the history and the network.

    Parameters
    ----------
    view, parts
        The widget, and what the controllers share.
    segment_dock : callable
        Returns the dock that segments the volume, opened where it is not.
    """

    def __init__(self, view: StatesView, parts: CorrectingParts, segment_dock: Callable[[], Any]) -> None:
        super().__init__(view)
        self._view, self._parts, self._segment_dock = view, parts, segment_dock
        self._state, self._correcting = parts.state, parts.correcting
        self._going, self._scoring = False, False
        self._control = parts.core.make_control()
        view.back_asked.connect(self.go_back)
        view.save_asked.connect(self.save)
        view.use_asked.connect(self.use)
        for name in ("states", "current", "dice", "session"):
            getattr(self._correcting.events, name).connect(self._show)
        self._correcting.events.current.connect(self._score)
        self._state.events.phase.connect(self._on_phase)
        self._show()

    def close(self) -> None:
        """End what is under way."""
        self._control.cancel()

    def go_back(self, number: int) -> None:
        """Return the network to a state."""
        session = self._correcting.session
        if session is None or self._going:
            return
        self._going = True
        self._parts.worker.start(
            lambda: session.refiner.go_back(number),
            lambda _: self._on_back(session, number),
            self._on_failed,
            name="state",
        )

    def save(self) -> None:
        """Ask for a file, and write the network with its description there."""
        session = self._correcting.session
        if session is None:
            return
        chosen = choose_network_output(self._view, f"{session.refiner.spec.name}-refined{ENDING}")
        if not chosen:
            return
        path = Path(chosen)
        path = path if path.suffix else path.with_suffix(ENDING)
        measured = self._correcting.measured
        self._state.say(f"Saving {path} …")
        self._parts.worker.start(
            lambda: save_network(session.refiner.network(), path, measured),
            lambda _: self._state.say(f"The network is saved in {path}.", "done"),
            self._on_failed,
            name="save",
        )

    def use(self) -> None:
        """Hand the network to the dock that segments, with the volume."""
        session, state = self._correcting.session, self._state
        if session is None:
            return
        try:
            dock = self._segment_dock()
            if dock.state.phase.busy:
                state.say("A run is under way; hand the network on when it has ended.", "warning")
                return
            if state.layer is not None and dock.state.layer != state.layer:
                dock.choose(layer=state.layer)
            dock.choose(model=refined(session.refiner.network()))
        except (SeamlessError, ValueError, RuntimeError) as error:
            state.say(sentence(error), "error")
            return
        state.say("The dock that segments has the network as it is now.", "done")

    def _on_back(self, session: Session, number: int) -> None:
        self._going = False
        if session is self._correcting.session:
            self._correcting.look_at_states()
            self._correcting.measured = self._correcting.performance = None
            self._correcting.revision += 1
            self._state.say(f"The network is in state {number} again.", "done")

    def _on_failed(self, error: Exception) -> None:
        self._going = False
        self._state.say(sentence(error), "error")

    def _on_phase(self, *_: object) -> None:
        self._show()
        self._score()

    def _score(self, *_: object) -> None:
        """Measure the Dice on painted voxels of the state that the network is in, on a thread."""
        session, number = self._correcting.session, self._correcting.current
        if session is None or number is None or self._scoring or self._state.phase.busy:
            return
        self._scoring = True
        self._parts.worker.start(
            lambda: session.painted_dice(self._control),
            lambda dice: self._on_scored(session, number, dice),
            self._on_not_scored,
            name="score",
        )

    def _on_scored(self, session: Session, number: int, dice: float | None) -> None:
        self._scoring = False
        if session is not self._correcting.session:
            return
        if number != self._correcting.current or self._state.phase.busy:
            # the network has changed while it was measured
            self._score()
        elif dice is not None:
            self._correcting.dice = {**(self._correcting.dice or {}), number: dice}

    def _on_not_scored(self, error: Exception) -> None:
        self._scoring = False
        if not isinstance(error, RunCancelledError):
            self._state.say(sentence(error), "error")

    def _show(self, *_: object) -> None:
        correcting = self._correcting
        self._view.show_states(
            correcting.states,
            correcting.current,
            correcting.dice or {},
            ready=correcting.session is not None,
            busy=self._state.phase.busy,
        )


def refined(model: TorchModel) -> TorchModel:
    """Return a model under a name that tells it from the one that it was made of."""
    name = model.spec.name if model.spec.name.endswith(" refined") else f"{model.spec.name} refined"
    return TorchModel(model.network, dataclasses.replace(model.spec, name=name, source=None))


def save_network(model: TorchModel, path: Path, measured: Any) -> None:
    """Write a network, its description and its patch performance in one file, whole or not at all.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    spec = dataclasses.replace(refined(model).spec, name=path.stem)
    write_whole(path, lambda part: save_torchscript(model.network, part, spec, performance=measured))
