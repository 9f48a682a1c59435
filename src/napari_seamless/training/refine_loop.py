"""The updates of one refinement."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_seamless.errors import ModelError, RunCancelledError, SettingsError
from napari_seamless.quality import PatchPerformance
from napari_seamless.training.best_weights import BestWeights, Smoothed
from napari_seamless.training.losses import make_loss
from napari_seamless.training.losses.targets import class_scores
from napari_seamless.training.refine_events import Refined, Refining

if TYPE_CHECKING:
    from napari_seamless.engine import Control
    from napari_seamless.training.refine_batches import PaintedBatch, PaintedBatches
    from napari_seamless.training.refine_events import OnRefineEvent
    from napari_seamless.training.refine_settings import RefineSettings
    from napari_seamless.training.rehearsal import Rehearsal
    from napari_seamless.training.trainable import TrainableNetwork

TELL_S = 1.0
_NOTHING_PAINTED_S = 0.05
_LAST_RATE = 0.01
"""Where the half cosine ends, as a part of the learning rate."""


class RefineLoop:
    """Draw, evaluate, update, until it is over.

    Parameters
    ----------
    network : TrainableNetwork
        What is trained.
    batches : PaintedBatches
        Patches around paint.
    rehearsal : Rehearsal or None
        Patches elsewhere.
    settings : RefineSettings
        Loss, rates and ends.
    """

    def __init__(
        self,
        network: TrainableNetwork,
        batches: PaintedBatches,
        rehearsal: Rehearsal | None,
        settings: RefineSettings,
    ) -> None:
        self._network = network
        self._batches = batches
        self._rehearsal = rehearsal
        self._settings = settings
        self._loss = make_loss(settings.loss).to(network.device)
        self._optimizer = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=0.0)
        self._rng = np.random.default_rng(settings.seed)
        self._painted, self._rehearsed, self._total = Smoothed(), Smoothed(), Smoothed()
        self._best = BestWeights(network)
        self._performance = PatchPerformance("error_rate")
        self._version = -1

    def run(self, tell: OnRefineEvent, control: Control) -> Refined:
        """Return how it ended; the network has its best weights then."""
        begin = told = time.monotonic()
        step, was_stopped = 0, False
        while self._settings.share_done(step, time.monotonic() - begin) < 1:
            waiting = time.monotonic()
            try:
                control.checkpoint()
            except RunCancelledError:
                was_stopped = True
                break
            begin += time.monotonic() - waiting  # a pause takes nothing off the seconds
            self._set_rate(self._settings.share_done(step, time.monotonic() - begin))
            batch = self._batches.draw(self._rng)
            if batch is None:  # everything was erased; the next stroke goes on
                time.sleep(_NOTHING_PAINTED_S)
                continue
            self._begin_anew_with_new_paint()
            self._step(batch, step)
            step += 1
            is_best = self._best.look(self._total)
            now = time.monotonic()
            if now - told >= TELL_S or step == 1:
                told = now
                tell(self._how_far(step, now - begin, is_best=is_best))
        self._best.restore()
        loss = min(self._best.loss, self._total.value) if step else None
        return Refined(steps=step, seconds=time.monotonic() - begin, loss=loss, was_stopped=was_stopped)

    def _step(self, batch: PaintedBatch, step: int) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        logits = self._network.logits(batch.voxels)
        _check_classes(logits, batch.painted)
        painted = self._loss(logits, batch.labels.to(logits.device))
        self._observe(logits.detach(), batch.painted)
        value = float(painted.detach())
        if not math.isfinite(value):
            raise ModelError(f"The loss became {value}; lower the learning rate. The network is as it was before.")
        painted.backward()
        self._painted.add(value)
        every = self._settings.rehearsal_every
        if self._rehearsal is not None and step % every == 0:
            voxels, labels = self._rehearsal.draw(self._rng)
            rehearsed = self._loss(self._network.logits(voxels), labels.to(logits.device))
            (self._settings.rehearsal * every * rehearsed).backward()
            self._rehearsed.add(float(rehearsed.detach()))
        self._network.update(self._optimizer.step)
        rehearsed_now = 0.0 if self._rehearsal is None else self._settings.rehearsal * self._rehearsed.value
        self._total.add(value + rehearsed_now)

    def _begin_anew_with_new_paint(self) -> None:
        if self._batches.version != self._version:
            self._version = self._batches.version
            self._painted, self._total = Smoothed(), Smoothed()
            self._best.restart()

    def _observe(self, logits: torch.Tensor, painted: torch.Tensor) -> None:
        labels = painted.to(logits.device)
        wrong = class_scores(logits).max(dim=1).indices != labels
        self._performance.add(wrong, labels >= 0)

    def _set_rate(self, share: float) -> None:
        rate = self._settings.learning_rate
        if self._settings.schedule == "cosine":
            rate *= _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * share))
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def _how_far(self, step: int, seconds: float, *, is_best: bool) -> Refining:
        return Refining(
            step=step,
            seconds=seconds,
            loss=self._total.value,
            painted_loss=self._painted.value,
            rehearsal_loss=self._rehearsed.value,
            is_best=is_best,
            performance=self._performance,
        )


def _check_classes(logits: torch.Tensor, painted: torch.Tensor) -> None:
    """Refuse a class that the network does not have; its output tells, where its description does not."""
    n = max(2, logits.shape[1])
    if int(painted.max()) >= n:
        raise SettingsError(
            f"Class {int(painted.max())} is painted, but the network has the classes 0 to {n - 1}; erase it or choose "
            "another network."
        )
