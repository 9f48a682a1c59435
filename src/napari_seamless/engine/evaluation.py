"""From a batch of patch indices to the network's output, in a lane."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.engine.evaluator import Evaluator, check_finite
from napari_seamless.engine.memory import cache_bytes
from napari_seamless.engine.output import check_storable
from napari_seamless.engine.reading import patch_reader, read_batch
from napari_seamless.plan import Batches
from napari_seamless.volume import cached

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.job import Job
    from napari_seamless.engine.lanes import Lanes
    from napari_seamless.engine.stopwatch import Stopwatch
    from napari_seamless.patches import PatchReader, Statistics
    from napari_seamless.plan import Batch


class Evaluation:
    """Read batches and evaluate them, on each device of a job with a network of its own.

    A reduced precision proves itself on the first batch of the plan while this is made.

    Parameters
    ----------
    job : Job
        The run.
    statistics : Statistics or None
        What the intensities are normalised with.
    control : Control
        Asked before each forward pass.
    watch : Stopwatch
        Counts ``read`` and ``forward``.
    warn : callable
        Takes a sentence whenever something is done otherwise than asked.
    """

    def __init__(
        self,
        job: Job,
        statistics: Statistics | None,
        control: Control,
        watch: Stopwatch,
        warn: Callable[[str], None],
    ) -> None:
        self._job = job
        self._control = control
        self._watch = watch
        volume = cached(job.volume, cache_bytes(job))
        self._reader = patch_reader(volume, job.settings, job.plan, job.model.spec.normalization, statistics)
        self._evaluators = evaluators_of(job, warn)
        verify_first_batch(self._evaluators, self._reader, job)

    def __call__(self, batch: Batch, lanes: Lanes[Batch, Any]) -> torch.Tensor:
        r"""Return (batch, class, \\*patch) float32 on the device of the lane that was free.

        Raises
        ------
        RunCancelledError
            The control cancelled the run.
        SeamlessError
            The patches cannot be read or evaluated, or hold what the output cannot.
        """
        with self._watch.stage("read"):
            voxels = torch.from_numpy(read_batch(self._reader, self._job.plan, batch))
        with lanes.take() as lane:
            self._control.checkpoint()
            with self._watch.stage("forward"):
                return self._forward(batch, voxels, lane.device)

    def _forward(self, batch: Batch, voxels: torch.Tensor, device: torch.device) -> torch.Tensor:
        if device.type == "cuda":
            voxels = voxels.pin_memory()
        output = self._evaluators[device](voxels.to(device, non_blocking=True))
        check_finite(output, [self._job.plan.patch_box(index) for index in batch], self._job.model.spec.name)
        check_storable(self._job, output)
        return output


def evaluators_of(job: Job, warn: Callable[[str], None]) -> dict[torch.device, Evaluator]:
    """Return what evaluates on each device; every further GPU gets a copy of the network."""
    evaluators: dict[torch.device, Evaluator] = {}
    for device in dict.fromkeys(job.lanes.devices):
        model = copy.deepcopy(job.model) if evaluators else job.model
        model.to(device)
        evaluators[device] = Evaluator(model, device, job.settings, job.plan, warn)
    return evaluators


def verify_first_batch(evaluators: dict[torch.device, Evaluator], reader: PatchReader, job: Job) -> None:
    """Let a reduced precision prove itself, always on the same batch."""
    if not any(evaluator.needs_verification for evaluator in evaluators.values()):
        return
    voxels = torch.from_numpy(read_batch(reader, job.plan, Batches(job.plan)[0]))
    for device, evaluator in evaluators.items():
        evaluator.verify(voxels.to(device))
