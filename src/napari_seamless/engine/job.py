"""A run that has been checked and planned, and has not started."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_seamless.engine import memory
from napari_seamless.engine.control import Control
from napari_seamless.engine.events import ignore_event
from napari_seamless.engine.measure import measure
from napari_seamless.engine.result import Estimate, Segmentation
from napari_seamless.engine.run import run
from napari_seamless.reduce import label_dtype
from napari_seamless.sinks import only_writer

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from napari_seamless.engine.events import OnEvent
    from napari_seamless.engine.lanes import LaneCount
    from napari_seamless.recipe import RunSettings
    from napari_seamless.reduce import UserFunction
    from napari_seamless.types import Model, Plan, Volume

_UNKNOWN_CLASSES = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """Everything that a run needs, checked against each other; made by `prepare`.

    Parameters
    ----------
    volume : Volume
        The input.
    model : Model
        The network.
    settings : RunSettings
        How to run it.
    plan : Plan
        Geometry of the run.
    lanes : LaneCount
        Where the network runs, and how many forward passes at once.
    output : pathlib.Path or None
        Folder of the OME-Zarr output; None for memory.
    overwrite, resume : bool
        What to do with an output that is there.
    workers : int or None
        Run on this many local processes.
    scheduler : str or None
        Run on the cluster of this dask scheduler.
    reduce : UserFunction or None
        Makes what is stored, in the place of `RunSettings.write`.
    """

    volume: Volume
    model: Model
    settings: RunSettings
    plan: Plan
    lanes: LaneCount
    output: Path | None = None
    overwrite: bool = False
    resume: bool = False
    workers: int | None = None
    scheduler: str | None = None
    reduce: UserFunction | None = None

    @property
    def device(self) -> torch.device:
        """The first device that the network runs on."""
        return self.lanes.devices[0]

    @property
    def n_channels(self) -> int:
        """Channels that the network gets."""
        return 1 if self.settings.channel is not None else self.volume.n_channels

    def estimate(self) -> Estimate:
        """Return patches, evaluations and memory without reading a voxel.

        Classes that only a forward pass can tell are counted as two, and what a function of one's own returns as
        labels.
        """
        spec, plan = self.model.spec, self.plan
        classes = spec.out_channels or len(spec.classes) or _UNKNOWN_CLASSES
        queues = memory.queue_bytes(plan, self.lanes, self.n_channels, classes)
        sums = memory.accumulator_bytes(plan, classes)
        if self.settings.memory_budget is not None:
            sums = min(sums, max(0, self.settings.memory_budget - queues))
        output = self.output_bytes(classes)
        return Estimate(
            patches=plan.n_patches,
            evaluations_per_voxel=plan.evaluations_per_voxel,
            memory_bytes=queues + sums + (output if self.output is None else 0),
            output_bytes=output,
        )

    def output_bytes(self, classes: int) -> int:
        """Return the bytes of the output's finest level before compression."""
        voxels, write = self.plan.output_box.size, self.settings.write
        if self.reduce is not None or write == "labels":
            return voxels * label_dtype(classes).itemsize
        channels = classes if write == "probabilities" else 2 * self.settings.top_k
        return voxels * channels * np.dtype(self.settings.probability_dtype).itemsize

    def measure(self) -> float:
        """Evaluate a batch from the middle of the volume in every lane at once, twice, and time the second time.

        Intensities are not normalised here, which changes the values but not the time.

        Returns
        -------
        float
            Seconds of wall time for each patch.
        """
        return measure(self)

    def run(self, on_event: OnEvent | None = None, control: Control | None = None) -> Segmentation:
        """Run to the end; blocks, so call it from a thread of its own where a window must stay alive.

        Parameters
        ----------
        on_event : callable or None
            Called from several threads with each `Event`; must be quick.
        control : Control or None
            Cancels and pauses.

        Returns
        -------
        Segmentation

        Raises
        ------
        RunCancelledError
            The control cancelled the run.
        SeamlessError
            Something went wrong; the text says what to do. What was finished is kept.
        """
        with nullcontext() if self.output is None else only_writer(self.output):
            return run(self, on_event or ignore_event, control or Control())
