"""The loop over epochs: steps, validation, the best network, and checkpoints."""

from __future__ import annotations

import copy
import dataclasses
import json
import signal
import statistics
import time
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, Sampler

from napari_seamless.errors import SettingsError
from napari_seamless.models import save_torchscript
from napari_seamless.training.checkpoint import random_state, save_checkpoint, set_random_state, write_whole
from napari_seamless.training.events import EpochDone, OnTrainingEvent, StepDone
from napari_seamless.training.recent_performance import RecentPerformance
from napari_seamless.training.validation import validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_seamless.engine import Control
    from napari_seamless.training.preparation import Place, Task


class EpochBatches(Sampler[list[tuple[int, int]]]):
    """Keys of the patches of one epoch, batch by batch.

    Parameters
    ----------
    n_patches, batch_size : int
        Patches of an epoch and of a batch; the last batch may be smaller.

    Attributes
    ----------
    epoch : int
        Whose patches are named.

    Examples
    --------
    >>> list(EpochBatches(3, 2))
    [[(0, 0), (0, 1)], [(0, 2)]]
    """

    def __init__(self, n_patches: int, batch_size: int) -> None:
        self.epoch = 0
        self._n, self._size = n_patches, batch_size

    def __len__(self) -> int:
        return (self._n + self._size - 1) // self._size

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for start in range(0, self._n, self._size):
            yield [(self.epoch, i) for i in range(start, min(start + self._size, self._n))]


class TrainingLoop:
    """Everything that changes while a network is trained.

    Parameters
    ----------
    task : Task
        What to train, and on what.
    place : Place
        Where network and checkpoint go.
    on_event, control
        See `train`.
    """

    def __init__(self, task: Task, place: Place, on_event: OnTrainingEvent, control: Control) -> None:
        self.task, self.place, self.on_event, self.control = task, place, on_event, control
        self.performance = RecentPerformance(task.settings.performance_epochs)
        self.epochs: list[EpochDone] = []
        self._batches = EpochBatches(len(task.patches), task.settings.batch_size)

    def run(self, state: Mapping[str, Any] | None = None) -> None:
        """Train until the last epoch, from the start or from the state of a checkpoint.

        Raises
        ------
        RunCancelledError
            The control cancelled it.
        """
        devices = list(range(torch.cuda.device_count()))
        with torch.random.fork_rng(devices):  # layers such as dropout draw from torch's own generators
            torch.manual_seed(self.task.settings.seed)
            if state is not None:
                self._load(state)
            loader = self._loader()
            while len(self.epochs) < self.task.settings.epochs:
                self._one_epoch(loader)

    def _one_epoch(self, loader: DataLoader[dict[str, torch.Tensor]]) -> None:
        begin = time.perf_counter()
        trained = self._trained(loader, len(self.epochs))
        done = self._judged(trained)
        self.epochs.append(dataclasses.replace(done, seconds=time.perf_counter() - begin))
        save_checkpoint(self.place.checkpoint, self._state())
        self.on_event(self.epochs[-1])

    def _trained(self, loader: DataLoader[dict[str, torch.Tensor]], epoch: int) -> EpochDone:
        """Go through the patches of an epoch once."""
        settings, step = self.task.settings, self.task.step
        region, boundary = settings.weights().weights(epoch)
        step.loss.region_weight, step.loss.boundary_weight = region, boundary
        step.set_learning_rate(settings.rate(epoch))
        self._batches.epoch = epoch
        self.performance.begin_epoch()
        losses = []
        for i, batch in enumerate(loader):
            self.control.checkpoint()
            stepped = step(batch)
            self.performance.observe(stepped.logits, batch["labels"].to(step.device))
            losses.append(stepped.loss)
            self.on_event(StepDone(epoch, i, len(self._batches), stepped.loss))
        return EpochDone(
            epoch=epoch,
            loss=statistics.fmean(losses),
            region_weight=region,
            boundary_weight=boundary,
            learning_rate=settings.rate(epoch),
            seconds=0.0,
        )

    def _judged(self, done: EpochDone) -> EpochDone:
        """Validate where it is time to, and keep the network if it is the best so far."""
        settings, task = self.task.settings, self.task
        if (done.epoch + 1) % settings.validate_every and done.epoch + 1 < settings.epochs:
            return done
        dice = validate(task, self.place.folder, self.control)
        done = dataclasses.replace(done, dice=dice)
        if done.mean_dice is None or done.mean_dice <= self._best_dice():
            return done
        network = copy.deepcopy(task.step.network).cpu()
        measured = self.performance.merged().state_dict()
        write_whole(
            self.place.output, lambda path: save_torchscript(network, path, self.task.spec, performance=measured)
        )
        return dataclasses.replace(done, is_best=True)

    def _best_dice(self) -> float:
        if not self.place.output.exists():  # it was deleted between two parts of a training
            return -1.0
        return max((e.mean_dice for e in self.epochs if e.is_best and e.mean_dice is not None), default=-1.0)

    def _loader(self) -> DataLoader[dict[str, torch.Tensor]]:
        workers = self.task.settings.workers
        return DataLoader(
            self.task.patches,
            batch_sampler=self._batches,
            num_workers=workers,
            persistent_workers=workers > 0,
            worker_init_fn=_leave_signals_alone,
            pin_memory=self.task.step.device.type == "cuda",
            generator=torch.Generator().manual_seed(self.task.settings.seed),
        )

    def _state(self) -> dict[str, Any]:
        """Return all that the next epoch depends on; its patches follow from seed, epoch and index."""
        return {
            "volumes": self.task.shapes,
            "settings": json.dumps(self.task.settings.model_dump(mode="json")),
            "step": self.task.step.state_dict(),
            "random": random_state(),
            "performance": self.performance.state_dict(),
            "epochs": [epoch.to_dict() for epoch in self.epochs],
        }

    def _load(self, state: Mapping[str, Any]) -> None:
        if state["volumes"] != self.task.shapes:
            raise SettingsError(
                f"The training in {self.place.folder} was begun on other volumes; resume it on the same ones in the "
                "same order, or start anew."
            )
        self.task.step.load_state_dict(state["step"])
        self.performance.load_state_dict(state["performance"])
        self.epochs = [EpochDone(**values) for values in state["epochs"]]
        set_random_state(state["random"])


def _leave_signals_alone(_: int) -> None:
    """Let the first process decide what Ctrl-C means: a terminal sends it to all processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
