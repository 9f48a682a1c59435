"""From a batch of patch indices to the network's output, in a lane."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.engine.evaluator import Evaluator, check_finite
from napari_seamless.engine.memory import cache_bytes
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


class ReadyNetwork:
    """The network of a job, on each of its devices, and its volume with what the next patches need again.

    A reduced precision proves itself on the first batch of the plan while this is made.

    Parameters
    ----------
    job : Job
        The run, or any run with patches of its size.
    statistics : Statistics or None
        What the intensities are normalised with.
    warn : callable
        Takes a sentence whenever something is done otherwise than asked.
    """

    def __init__(self, job: Job, statistics: Statistics | None, warn: Callable[[str], None]) -> None:
        self._statistics = statistics
        self._volume = cached(job.volume, cache_bytes(job))
        self.on = _evaluators(job, warn)
        """What evaluates on each device."""
        _verify_first_batch(self.on, self.reader(job), job)

    def reader(self, job: Job) -> PatchReader:
        """Return what reads the patches of a job."""
        return patch_reader(self._volume, job.settings, job.plan, job.model.spec.normalization, self._statistics)


class Evaluation:
    """Read batches of a job and evaluate them.

    Parameters
    ----------
    job : Job
        The run.
    network : ReadyNetwork
        What evaluates.
    control : Control
        Asked before each forward pass.
    watch : Stopwatch
        Counts ``read`` and ``forward``.
    """

    def __init__(self, job: Job, network: ReadyNetwork, control: Control, watch: Stopwatch) -> None:
        self._job = job
        self._network = network
        self._reader = network.reader(job)
        self._control = control
        self._watch = watch

    def __call__(self, batch: Batch, lanes: Lanes[Batch, Any]) -> torch.Tensor:
        r"""Return (batch, class, \\*patch) float32 on the device of the lane that was free.

        Raises
        ------
        RunCancelledError
            The control cancelled the run.
        SeamlessError
            The patches cannot be read or evaluated.
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
        output = self._network.on[device](voxels.to(device, non_blocking=True))
        check_finite(output, [self._job.plan.patch_box(index) for index in batch], self._job.model.spec.name)
        return output


def _evaluators(job: Job, warn: Callable[[str], None]) -> dict[torch.device, Evaluator]:
    """Return what evaluates on each device; every further GPU gets a copy of the network."""
    evaluators: dict[torch.device, Evaluator] = {}
    for device in dict.fromkeys(job.lanes.devices):
        model = copy.deepcopy(job.model) if evaluators else job.model
        model.to(device)
        evaluators[device] = Evaluator(model, device, job.settings, job.plan, warn)
    return evaluators


def _verify_first_batch(evaluators: dict[torch.device, Evaluator], reader: PatchReader, job: Job) -> None:
    """Let a reduced precision prove itself, always on the same batch."""
    if not any(evaluator.needs_verification for evaluator in evaluators.values()):
        return
    voxels = torch.from_numpy(read_batch(reader, job.plan, Batches(job.plan)[0]))
    for device, evaluator in evaluators.items():
        evaluator.verify(voxels.to(device))
