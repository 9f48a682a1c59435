"""Evaluate the patches of a region that are not known yet."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_seamless.engine.evaluation import Evaluation, ReadyNetwork
from napari_seamless.engine.events import OnEvent, Progress, Warned
from napari_seamless.engine.lanes import Lanes
from napari_seamless.engine.stopwatch import Stopwatch
from napari_seamless.engine.threads import single_threaded
from napari_seamless.engine.tuning.stage_times import StageTimes, measure_blend, steady_pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import torch

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.job import Job
    from napari_seamless.engine.tuning.predictions import Predictions
    from napari_seamless.patches import Statistics
    from napari_seamless.plan import Batch
    from napari_seamless.types import Box

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Output:
    r"""What comes out of a lane: a batch, and (batch, class, \*patch) float32."""

    batch: Batch
    values: torch.Tensor


class RegionEvaluation:
    """Evaluates patches of one size; the network is made ready for it once.

    Parameters
    ----------
    job : Job
        Any run with patches of this size.
    statistics : Statistics or None
        What the intensities are normalised with.
    on_first : callable
        Gets the number of channels that the network returns, and the boxes of the patches of the pass, with the first
        patch of each.
    warn : callable
        Takes a sentence.
    """

    def __init__(
        self,
        job: Job,
        statistics: Statistics | None,
        on_first: Callable[[int, list[Box]], None],
        warn: OnEvent,
    ) -> None:
        self._on_first = on_first
        self._network = ReadyNetwork(job, statistics, lambda text: warn(Warned(text)))
        self._pace: list[tuple[int, float]] = []
        self._busy = {"read": 0.0, "forward": 0.0}
        self._voxels = 0
        self._blend: tuple[float, float, float] | None = None

    def run(self, job: Job, missing: list[Index], known: Predictions, on_event: OnEvent, control: Control) -> None:
        """Evaluate patches and keep what the network returns for them.

        Parameters
        ----------
        job : Job
            The run that they belong to.
        missing : list of tuple of int
            Their indices in the plan of the job; those in sight of `control` come first.
        known : Predictions
            Where they are kept.
        on_event, control
            As in `Job.run`; the events are `Progress` and `Warned`.
        """
        watch = Stopwatch()
        evaluation = Evaluation(job, self._network, control, watch)

        def work(batch: Batch, lanes: Lanes[Batch, _Output]) -> _Output:
            return _Output(batch, evaluation(batch, lanes).cpu())

        instants: list[float] = []
        done = 0
        try:
            with single_threaded(), Lanes(job.lanes, work, watch) as lanes:
                for output in lanes.map(_in_turn(job, missing, control)):
                    control.checkpoint()
                    instants.append(time.perf_counter())
                    if not done:
                        boxes = [job.plan.patch_box(index) for index in missing]
                        self._on_first(int(output.values.shape[1]), boxes)
                    for index, values in zip(output.batch, output.values.numpy(), strict=True):
                        known.add(job.plan.patch_box(index), values)
                    done += len(output.batch)
                    on_event(Progress(done=done, total=len(missing), seconds=watch.seconds()))
        finally:
            self._remember(job, done, instants, watch)

    def times(self, job: Job, classes: int, before: float) -> StageTimes:
        """Return what the stages took, for each voxel.

        Parameters
        ----------
        job : Job
            A run with patches of this size.
        classes : int
            Channels that the network returns.
        before : float
            Seconds that its statistics took.
        """
        if self._blend is None:
            self._blend = measure_blend(job, classes)
        multiply, add, reduce = self._blend
        n = sum(count for count, _ in self._pace)
        voxels = max(1, self._voxels)
        return StageTimes(
            read=self._busy["read"] / voxels,
            forward=self._busy["forward"] / voxels,
            pace=sum(count * pace for count, pace in self._pace) / max(1, n),
            multiply=multiply,
            add=add,
            reduce=reduce,
            before=before,
        )

    def _remember(self, job: Job, n: int, instants: list[float], watch: Stopwatch) -> None:
        if not n:
            return
        lanes, seconds = len(job.lanes.devices), watch.seconds()
        voxels = n * math.prod(job.plan.patch_size)
        if len(instants) > 2 * lanes:
            pace = steady_pace(instants, lanes)
        elif self._pace:
            return
        else:
            pace = seconds["total"] / len(instants)
        per_batch = voxels / len(instants)
        self._pace.append((n, pace / per_batch))
        self._voxels += voxels
        for stage in self._busy:
            self._busy[stage] += seconds[stage]


def _in_turn(job: Job, missing: list[Index], control: Control) -> Iterator[Batch]:
    """Yield batches of patches of one size; what is in sight comes first whenever a batch is asked for."""
    left = dict.fromkeys(missing)
    while left:
        batch = _first_batch(job, left if control.in_sight is None else _seen_first(job, left, control.in_sight))
        for index in batch:
            del left[index]
        yield batch


def _first_batch(job: Job, order: Iterable[Index]) -> Batch:
    batch: list[Index] = []
    size: tuple[int, ...] = ()
    for index in order:
        shape = job.plan.patch_box(index).shape
        size = size or shape
        if shape == size:
            batch.append(index)
        if len(batch) == job.plan.batch_size:
            break
    return tuple(batch)


def _seen_first(job: Job, left: dict[Index, None], box: Box) -> list[Index]:
    return sorted(left, key=lambda index: not job.plan.patch_box(index).intersect(box).size)
