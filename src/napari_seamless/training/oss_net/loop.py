"""The loop over epochs: steps, evaluation, the best network, and checkpoints."""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from napari_seamless.errors import SettingsError
from napari_seamless.training.checkpoint import random_state, save_checkpoint, set_random_state
from napari_seamless.training.events import EpochDone, OnTrainingEvent, StepDone
from napari_seamless.training.loop import EpochBatches
from napari_seamless.training.oss_net.evaluation import Evaluation, evaluate
from napari_seamless.training.oss_net.history import write_history
from napari_seamless.training.oss_net.output import save_trained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_seamless.engine import Control
    from napari_seamless.training.oss_net.samples import OccupancySamples, PartReader
    from napari_seamless.training.oss_net.settings import OccupancyTrainingSettings
    from napari_seamless.training.oss_net.step import OccupancyStep
    from napari_seamless.training.preparation import Place

Loader = DataLoader[dict[str, torch.Tensor]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OccupancyTask:
    """All that a training works with.

    Parameters
    ----------
    settings : OccupancyTrainingSettings
        What was chosen.
    samples : OccupancySamples
        What the network learns from.
    judged : sequence of PartReader
        What it is judged by.
    step : OccupancyStep
        Network, loss and optimiser.
    """

    settings: OccupancyTrainingSettings
    samples: OccupancySamples
    judged: Sequence[PartReader]
    step: OccupancyStep

    @property
    def shapes(self) -> list[list[int]]:
        """Boxes of what is trained on, which tell a resumed training that it has others."""
        return [[*part.box.start, *part.box.stop] for part in self.samples.parts]


class OccupancyLoop:
    """Everything that changes while a network is trained.

    Parameters
    ----------
    task : OccupancyTask
        What to train, and on what.
    place : Place
        Where network and checkpoint go.
    on_event, control
        See `train_occupancy`.
    """

    def __init__(self, task: OccupancyTask, place: Place, on_event: OnTrainingEvent, control: Control) -> None:
        self.task, self.place, self.on_event, self.control = task, place, on_event, control
        self.epochs: list[EpochDone] = []
        self._best: dict[str, torch.Tensor] = {}
        self._batches = EpochBatches(len(task.samples), task.settings.batch_size)

    def run(self, state: Mapping[str, Any] | None = None) -> None:
        """Train until the last epoch, from the start or from the state of a checkpoint.

        Raises
        ------
        RunCancelledError
            The control cancelled it.
        """
        settings = self.task.settings
        with torch.random.fork_rng(list(range(torch.cuda.device_count()))):  # dropout draws from torch's generators
            torch.manual_seed(settings.seed)
            if state is not None:
                self._load(state)
            loader = DataLoader(
                self.task.samples,
                batch_sampler=self._batches,
                num_workers=settings.workers,
                generator=torch.Generator().manual_seed(settings.seed),
            )
            while len(self.epochs) < settings.epochs:
                self._one_epoch(loader)

    def finish(self) -> Evaluation:
        """Take the best weights, evaluate them by distance from the border, and write the network file with that."""
        self.task.step.trainee.network.load_state_dict(self._best)
        self.task.step.trainee.eval()
        found = evaluate(self.task.step.trainee, self.task.judged, self.task.settings, self.control, by_distance=True)
        self._save(found)
        return found

    def _one_epoch(self, loader: Loader) -> None:
        begin = time.perf_counter()
        done = self._judged(self._trained(loader, len(self.epochs)))
        self.epochs.append(dataclasses.replace(done, seconds=time.perf_counter() - begin))
        save_checkpoint(self.place.checkpoint, self._state())
        write_history(self.place.folder / "history.csv", self.epochs)
        self.on_event(self.epochs[-1])

    def _trained(self, loader: Loader, epoch: int) -> EpochDone:
        settings = self.task.settings
        share = settings.rate_share(epoch)
        self.task.step.set_rates(share)
        self._batches.epoch = epoch
        losses = []
        for i, batch in enumerate(loader):
            self.control.checkpoint()
            loss = self.task.step(batch).total
            losses.append(loss)
            self.on_event(StepDone(epoch, i, len(self._batches), loss))
        return EpochDone(
            epoch=epoch,
            loss=statistics.fmean(losses),
            region_weight=1.0,
            boundary_weight=0.0,
            learning_rate=settings.learning_rate * share,
            seconds=0.0,
        )

    def _judged(self, done: EpochDone) -> EpochDone:
        """Evaluate where it is time to, and keep the network if it is the best so far."""
        settings, step = self.task.settings, self.task.step
        if (done.epoch + 1) % settings.validate_every and done.epoch + 1 < settings.epochs:
            return done
        found = evaluate(step.trainee, self.task.judged, settings, self.control)
        done = dataclasses.replace(done, dice=found.dice)
        before = max((e.mean_dice for e in self.epochs if e.is_best and e.mean_dice is not None), default=-1.0)
        if done.mean_dice is None or done.mean_dice <= before:
            return done
        self._best = {name: value.detach().cpu().clone() for name, value in step.trainee.network.state_dict().items()}
        self._save(found)
        return dataclasses.replace(done, is_best=True)

    def _save(self, found: Evaluation) -> None:
        settings, trainee = self.task.settings, self.task.step.trainee
        said = {
            "crop": list(trainee.size),
            "normalization": "zscore",
            "inside": settings.inside,
            "evaluation": dataclasses.asdict(found),
            "settings": settings.model_dump(mode="json"),
        }
        save_trained(trainee, self.place.output, said)

    def _state(self) -> dict[str, Any]:
        """Return all that the next epoch depends on; its samples follow from seed, epoch and index."""
        return {
            "volumes": self.task.shapes,
            "settings": json.dumps(self.task.settings.model_dump(mode="json")),
            "step": self.task.step.state_dict(),
            "best": self._best,
            "random": random_state(),
            "epochs": [epoch.to_dict() for epoch in self.epochs],
        }

    def _load(self, state: Mapping[str, Any]) -> None:
        if state["volumes"] != self.task.shapes:
            raise SettingsError(
                f"The training in {self.place.folder} was begun on other volumes; resume it on the same ones in the "
                "same order, or start anew."
            )
        self.task.step.load_state_dict(state["step"])
        self._best = dict(state["best"])
        self.epochs = [EpochDone(**values) for values in state["epochs"]]
        set_random_state(state["random"])
