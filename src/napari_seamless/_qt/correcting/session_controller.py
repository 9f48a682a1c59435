"""Opens the corrections of a volume and the states of a network, and closes them again."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QObject

from napari_seamless._qt.controllers.network_controller import NetworkController
from napari_seamless._qt.correcting.parts import CorrectingParts
from napari_seamless._qt.correcting.session import SCRATCH, Session, default_folder, open_session
from napari_seamless._qt.correcting.source_view import SourceView
from napari_seamless._qt.reasons import sentence
from napari_seamless.errors import SeamlessError, StorageError
from napari_seamless.training.painting import Painting
from napari_seamless.training.scribbles import untrained_network


class SessionController(QObject):
    """Between `SourceView`, the state and a `Session`.

    Parameters
    ----------
    view, parts
        The widget, and what the controllers share.
    network : NetworkController
        Takes the new network that starts from nothing.
    """

    def __init__(self, view: SourceView, parts: CorrectingParts, network: NetworkController) -> None:
        super().__init__(view)
        self._view, self._parts, self._network = view, parts, network
        self._state, self._correcting = parts.state, parts.correcting
        self._generation = 0
        self._opening = False
        self._made: list[Session] = []
        self._unsaved: list[Painting] = []
        view.start_asked.connect(self.start)
        view.scratch_chosen.connect(self.start_from_nothing)
        view.folder_changed.connect(self._on_folder)
        self._state.events.volume.connect(self._on_volume)
        for name in ("model", "values"):
            getattr(self._state.events, name).connect(self._on_input)
        self._state.events.phase.connect(self._on_phase)
        self._correcting.events.session.connect(self._show)
        self._on_volume()

    def start(self) -> None:
        """Open what is chosen, on a thread."""
        state = self._state
        if state.volume is None or state.model is None or self._opening or state.phase.busy:
            return
        self.close_session()
        self._retry_unsaved()
        self._generation += 1
        self._opening = True
        generation, volume, model = self._generation, state.volume, state.model
        folder = Path(self._correcting.folder or default_folder(volume)).expanduser()
        channel, post = state.values["channel"], self._parts.worker.post

        def work() -> Session:
            session = open_session(volume, model, folder, channel, lambda error: post(self._on_unsaved, error))
            self._made.append(session)
            return session

        state.say("Opening the corrections …")
        self._show()
        self._parts.worker.start(
            work,
            lambda session: self._on_opened(generation, session),
            lambda error: self._on_refused(generation, error),
            name="corrections",
        )

    def start_from_nothing(self, n_classes: int) -> None:
        """Choose a new network for so many classes."""
        volume = self._state.volume
        if volume is None:
            self._state.say("Choose a volume first: the new network is made for its axes and channels.", "warning")
            return
        names = ("background", *(f"class {index}" for index in range(1, n_classes)))
        try:
            model = untrained_network(volume, names, channel=self._state.values["channel"])
        except SeamlessError as error:
            self._state.say(str(error), "error")
            return
        self._network.choose(model)

    def close_session(self) -> None:
        """Write what was painted and let go of the folder; what cannot be written stays in its layer."""
        session = self._correcting.session
        if session is not None:
            self._let_go(session)
            self._correcting.session = None
            self._correcting.look_at_states()
            self._correcting.losses, self._correcting.performance = (), None

    def close(self) -> None:
        """Close what is open; called when no thread of the dock works any more."""
        self._generation += 1
        self.close_session()
        for session in list(self._made):
            self._let_go(session)

    def _let_go(self, session: Session) -> None:
        if session in self._made:
            self._made.remove(session)
        try:
            session.painting.close()
        except StorageError as error:
            self._unsaved.append(session.painting)
            self._state.say(f"{error} Nothing painted is lost while the viewer is open; it is tried again.", "error")

    def _retry_unsaved(self) -> None:
        for painting in list(self._unsaved):
            try:
                painting.close()
            except StorageError as error:
                self._state.say(str(error), "error")
            else:
                self._unsaved.remove(painting)

    def _on_opened(self, generation: int, session: Session) -> None:
        self._opening = False
        if generation != self._generation:
            self._let_go(session)
            self._show()
            return
        self._correcting.session = session
        self._correcting.dice = {}
        self._correcting.look_at_states()
        self._correcting.revision += 1
        n = sum(session.painting.n_painted.values())
        kept = (
            f"{n} painted voxels were there already." if n else "Choose a class and paint where the network is wrong."
        )
        self._state.say(f"Corrections are kept in {session.painting.folder.name}. {kept}")

    def _on_refused(self, generation: int, error: Exception) -> None:
        self._opening = False
        if generation == self._generation:
            self._state.say(sentence(error), "error")
        self._show()

    def _on_unsaved(self, error: StorageError) -> None:
        self._state.say(f"{error} What you paint stays in memory, and writing is tried again.", "error")

    def _on_folder(self, folder: str) -> None:
        self._correcting.folder = folder
        self._on_input()

    def _on_volume(self, *_: object) -> None:
        """Follow to another volume: its own folder, and a new network made for it."""
        volume, model = self._state.volume, self._state.model
        self._view.show_folder("" if volume is None else str(default_folder(volume)))
        self._on_input()
        if volume is not None and model is not None and model.spec.name == SCRATCH:
            self.start_from_nothing(len(model.spec.classes))

    def _on_input(self, *_: object) -> None:
        """Close what is open where it is no longer what is chosen; during a refinement, when that has ended."""
        session, state = self._correcting.session, self._state
        if session is not None and not state.phase.busy and not self._is_chosen(session):
            self.close_session()
        elif self._opening:
            self._generation += 1
            self._opening = False
        self._show()

    def _is_chosen(self, session: Session) -> bool:
        state, folder = self._state, self._correcting.folder
        return (
            session.volume is state.volume
            and session.model is state.model
            and session.channel == state.values["channel"]
            and session.painting.folder == Path(folder or default_folder(session.volume)).expanduser()
        )

    def _on_phase(self, *_: object) -> None:
        self._on_input()

    def _show(self, *_: object) -> None:
        state = self._state
        self._view.show_ready(
            ready=state.volume is not None and state.model is not None and not self._opening,
            is_open=self._correcting.session is not None,
            busy=state.phase.busy,
        )
