"""Refine a network on what a person has painted, while they go on painting."""

from __future__ import annotations

import dataclasses
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from napari_seamless.engine import Control
from napari_seamless.engine.device import choose_devices
from napari_seamless.engine.events import Measuring
from napari_seamless.engine.threads import limit_threads
from napari_seamless.errors import OutOfMemoryError, RunCancelledError, SettingsError
from napari_seamless.models import is_out_of_memory
from napari_seamless.patches import PatchReader, volume_statistics
from napari_seamless.training.refine_batches import PaintedBatches, patch_size
from napari_seamless.training.refine_checks import check_fit, check_paint
from napari_seamless.training.refine_events import Refined
from napari_seamless.training.refine_loop import RefineLoop
from napari_seamless.training.refine_settings import RefineSettings
from napari_seamless.training.rehearsal import Rehearsal
from napari_seamless.training.trainable import TrainableNetwork
from napari_seamless.volume import cached, open_volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.models import TorchModel
    from napari_seamless.patches import Statistics
    from napari_seamless.patches.statistics import OnBlock
    from napari_seamless.training.history import History, State
    from napari_seamless.training.painting import Painting
    from napari_seamless.training.refine_events import OnRefineEvent, RefineEvent
    from napari_seamless.types import Model, Volume

_CACHE_BYTES = 128 * 2**20


class Refiner:
    """A network that learns from corrections, again and again.

    Each update takes patches around painted voxels, every painted class equally often, in which only painted voxels
    count. What the network said before is rehearsed: elsewhere in the volume, where it was sure
    and nobody has painted near, its own answer is the label, with a smaller weight. What is painted during a refinement
    counts from the next update on.

    The running statistics of batch normalisation stay as they are, and dropout is off: a few patches around a
    correction say little about either. The boundary loss is refused, for distances to a boundary need labels
    everywhere.

    Parameters
    ----------
    volume : Volume or anything that `open_volume` takes
        Read patch by patch; never as a whole, but once for normalisation where the network wants it.
    model : Model
        A torch module or TorchScript with weights; it is copied. What it returns before its activation is taken for
        logits.
    painting : Painting
        What is painted on the volume.
    history : History, optional
        Where the network is stored as it is given, if nothing is there yet, and after each refinement.
    statistics : Statistics, optional
        What normalises the volume; measured with the first refinement otherwise.

    Raises
    ------
    SettingsError
        The painting has another shape than the volume, or more classes than the network.
    ModelError
        The network has no weights to train.
    StorageError
        The history cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from napari_seamless.models import load_model
    >>> from napari_seamless.training.canvas import Canvas
    >>> from napari_seamless.training.painting import Painting
    >>> image = open_volume(np.random.default_rng(0).random((24, 24, 24), np.float32))
    >>> model = load_model(torch.nn.Conv3d(1, 2, 3, padding=1), activation="softmax")
    >>> with tempfile.TemporaryDirectory() as folder, Painting(f"{folder}/a.zarr", Canvas.of(image)) as painting:
    ...     painting[12, 4:8, 4:8], painting[12, 16:20, 4:8] = 1, 2
    ...     refiner = Refiner(image, model, painting)
    ...     refiner.run(RefineSettings(steps=3, patch_size=16, device="cpu")).steps
    3
    """

    def __init__(
        self,
        volume: Volume,
        model: Model,
        painting: Painting,
        *,
        history: History | None = None,
        statistics: Statistics | None = None,
    ) -> None:
        self.volume = open_volume(volume)
        self.spec = model.spec
        self.painting = painting
        self.history = history
        self._statistics: dict[int | None, Statistics] = {}
        self._given_statistics = statistics
        check_fit(self.volume, model, painting)
        self._network = TrainableNetwork(model, torch.device("cpu"))
        self._first = self._network.model()
        self._running, self._measuring = threading.Lock(), threading.Lock()
        self._state: State | None = None
        if history is not None and not history.states():
            self._state = history.save(self._network.copy_weights(), text="as loaded")

    @property
    def state(self) -> State | None:
        """The state of the history that the network was stored as, or went back to; None where there is none."""
        return self._state

    @property
    def is_running(self) -> bool:
        """Whether a refinement goes on."""
        return self._running.locked()

    def network(self) -> TorchModel:
        """Return a copy of the network as it is now, such as for a preview; any thread may ask at any time."""
        return self._network.model()

    def statistics(self, channel: int | None = None, on_block: OnBlock | None = None) -> Statistics:
        """Return what normalises the volume, measured with the first call; any thread may ask.

        Parameters
        ----------
        channel : int or None
            The only channel that is used.
        on_block : callable, optional
            Told how many blocks of the volume were measured, and how many there are; it may raise to end it.
        """
        with self._measuring:
            if channel not in self._statistics:
                self._statistics[channel] = self._given_statistics or volume_statistics(
                    self.volume, self.spec.normalization, channel, on_block
                )
            return self._statistics[channel]

    def go_back(self, number: int) -> None:
        """Return to a state of the history; a later one, too.

        Raises
        ------
        SettingsError
            There is no history or no such state, or a refinement goes on.
        ModelError
            The state is damaged or belongs to another network.
        """
        if self.history is None:
            raise SettingsError("There is no history to go back in; give the refiner one.")
        with self._alone():
            self._network.load(self.history.restore(number), f"state {number}")
            self._state = next((state for state in self.history.states() if state.number == number), None)

    def run(
        self,
        settings: RefineSettings | None = None,
        on_event: OnRefineEvent | None = None,
        control: Control | None = None,
    ) -> Refined:
        """Refine until the steps or seconds are over or it is cancelled; the weights with the lowest loss are kept.

        Parameters
        ----------
        settings : RefineSettings, optional
            How; without steps and seconds it goes on until it is cancelled.
        on_event : callable, optional
            Called from this thread with `Measuring`, about every second with `Refining`, and at last with `Refined`.
        control : Control, optional
            Cancel ends it after the current update, and what is best so far stays; pause lets it wait.

        Raises
        ------
        SettingsError
            Nothing is painted, a class that the network does not have is painted, or another refinement goes on.
        OutOfMemoryError
            The patches are too large for the device; the network is as it was.
        StorageError
            The new state cannot be stored; the network keeps it.
        """
        settings, control = settings or RefineSettings(), control or Control()
        tell = on_event or _ignore
        with self._alone(), _threads(settings.threads):
            check_paint(self.painting, self.spec, settings)
            device = choose_devices(settings.device)[0]
            self._network.to(device)
            before = self._network.copy_weights()
            try:
                done = self._refine(settings, tell, control)
            except Exception as error:
                self._network.load(before, "the network before")
                if is_out_of_memory(error) and not isinstance(error, OutOfMemoryError):
                    raise OutOfMemoryError(
                        "There is not enough memory to refine with these patches; choose a smaller patch_size or "
                        "batch_size."
                    ) from error
                raise
            done = self._store(done)
        tell(done)
        return done

    def _refine(self, settings: RefineSettings, tell: OnRefineEvent, control: Control) -> Refined:
        try:
            reader = self._reader(settings, tell, control)
        except RunCancelledError:
            return Refined(steps=0, seconds=0.0, loss=None, was_stopped=True)
        patch = patch_size(settings, self.spec, self.volume.spatial_shape)
        batches = PaintedBatches(reader, self.painting, settings, patch)
        rehearsal = None
        if settings.rehearsal:
            teacher = self._first if settings.teacher == "first" else self.network()
            network = TrainableNetwork(teacher, self._network.device)
            rehearsal = Rehearsal(network, reader, self.painting, settings, patch)
        return RefineLoop(self._network, batches, rehearsal, settings).run(tell, control)

    def _reader(self, settings: RefineSettings, tell: OnRefineEvent, control: Control) -> PatchReader:
        def on_block(done: int, total: int) -> None:
            control.checkpoint()
            tell(Measuring(done, total))

        return PatchReader(
            cached(self.volume, _CACHE_BYTES),
            channel=settings.channel,
            normalization=self.spec.normalization,
            statistics=self.statistics(settings.channel, on_block),
        )

    def _store(self, done: Refined) -> Refined:
        if self.history is None or not done.steps:
            return done
        text = f"{done.steps} steps on {sum(self.painting.n_painted.values())} painted voxels"
        parent = None if self._state is None else self._state.number
        self._state = self.history.save(
            self._network.copy_weights(), parent=parent, text=text, loss=done.loss, steps=done.steps
        )
        return dataclasses.replace(done, state=self._state)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._running.acquire(blocking=False):
            raise SettingsError("The network is being refined; stop that first.")
        try:
            yield
        finally:
            self._running.release()


@contextmanager
def _threads(wanted: int | None) -> Iterator[None]:
    """Let torch use some threads for what this thread asks of it; by default half of what there is."""
    before = torch.get_num_threads()
    limit_threads(wanted or max(1, before // 2))
    try:
        yield
    finally:
        limit_threads(before)


def _ignore(event: RefineEvent) -> None:
    """Take an event that nobody asked for."""
