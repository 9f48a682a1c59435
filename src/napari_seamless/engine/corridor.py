"""One pass of batches: read, forward, blend, reduce, write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_seamless.blend import ChunkAccumulators, Scratch, multiply_into
from napari_seamless.engine.events import OnEvent, Progress, Started
from napari_seamless.engine.feed import Batch, Feed, FloatArray
from napari_seamless.engine.finish import Finisher
from napari_seamless.engine.forward import check_finite, forward, patch_reader, read_batch
from napari_seamless.engine.memory import accumulator_budget
from napari_seamless.engine.output import make_reduce
from napari_seamless.plan import batches, next_touch, uncovered_chunks, window_array

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.job import Job
    from napari_seamless.engine.stopwatch import Stopwatch
    from napari_seamless.patches import Statistics
    from napari_seamless.sinks import Sink
    from napari_seamless.types import Plan, Window

Index = tuple[int, ...]


class Corridor:
    """Finish all chunks of a plan but those that are skipped.

    Parameters
    ----------
    job : Job
        What to run; its network is already on its device.
    on_event, control
        As in `Job.run`.
    watch : Stopwatch
        Counts the stages.
    skip : container of tuple of int
        Chunks that are finished, or somebody else's.
    """

    def __init__(
        self, job: Job, on_event: OnEvent, control: Control, watch: Stopwatch, skip: Container[Index] = frozenset()
    ) -> None:
        self.evaluated = 0
        self._job = job
        self._on_event = on_event
        self._control = control
        self._watch = watch
        self._skip = skip
        self._weighting = _Weighting(job.plan.window)

    def walk(self, statistics: Statistics | None, open_sink: Callable[[int], Sink]) -> Sink:
        """Evaluate every batch that touches a chunk to be finished, and store the chunks.

        The first batch is evaluated before the output exists: a network that does not fit leaves nothing behind.

        Parameters
        ----------
        statistics : Statistics or None
            What the intensities are normalised with.
        open_sink : callable
            Number of output channels to the sink.

        Returns
        -------
        Sink
            It holds the finished chunks, and is not marked as complete.
        """
        job = self._job
        reader = patch_reader(job.volume, job.settings, job.plan, job.model.spec.normalization, statistics)
        todo = _todo(job.plan, self._skip)
        with Feed(todo, lambda batch: read_batch(reader, job.plan, batch), self._watch) as feed:
            return self._pass(iter(feed), open_sink)

    def _pass(self, feed: Iterator[tuple[Batch, FloatArray]], open_sink: Callable[[int], Sink]) -> Sink:
        first = next(feed)
        self._control.checkpoint()
        output = self._forward(first)
        outputs, plan = int(output.shape[1]), self._job.plan
        budget = accumulator_budget(plan, self._job.n_channels, outputs, self._job.settings.memory_budget)
        sink = open_sink(outputs)
        self._on_event(Started(plan=plan, volume=sink.volume))
        reduce = make_reduce(self._job, outputs)
        scratch = Scratch(self._job.output)
        sums = ChunkAccumulators(plan, next_touch, scratch, budget=budget, skip=self._skip)
        try:
            with Finisher(sink, plan, reduce, self._on_event, self._watch) as finisher:
                self._blend(first[0], output, sums, finisher)
                del output
                for item in feed:
                    self._control.checkpoint()
                    self._blend(item[0], self._forward(item), sums, finisher)
                self._fill_uncovered(finisher, outputs)
        finally:
            scratch.close()
        return sink

    def _forward(self, item: tuple[Batch, FloatArray]) -> torch.Tensor:
        batch, voxels = item
        with self._watch.stage("forward"):
            output = forward(self._job.model, voxels, self._job.device)
            for index, patch in zip(batch, output, strict=True):
                check_finite(patch, self._job.plan.patch_box(index), self._job.model.spec.name)
        return output

    def _blend(self, batch: Batch, output: torch.Tensor, sums: ChunkAccumulators, finisher: Finisher) -> None:
        finisher.check()
        with self._watch.stage("blend"):
            weighted = self._weighting(output)
        for index, patch in zip(batch, weighted, strict=True):
            with self._watch.stage("blend"):
                finished = list(sums.add(patch, index))
            for chunk, total in finished:
                finisher.submit(chunk, total)
        self.evaluated += len(batch)
        passed = int(np.ravel_multi_index(batch[-1], self._job.plan.grid_shape)) + 1
        self._on_event(Progress(done=passed, total=self._job.plan.n_patches, seconds=self._watch.seconds()))

    def _fill_uncovered(self, finisher: Finisher, outputs: int) -> None:
        """Store the chunks that the border mode ``crop`` leaves without any patch; they hold 0."""
        for chunk in uncovered_chunks(self._job.plan):
            self._control.checkpoint()
            if chunk not in self._skip:
                finisher.submit(chunk, torch.zeros(outputs, *self._job.plan.chunk_box(chunk).shape))


class _Weighting:
    """Multiply outputs by the window into a buffer that is used again."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._weights: dict[tuple[int, ...], torch.Tensor] = {}
        self._buffer = torch.empty(0)

    def __call__(self, output: torch.Tensor) -> torch.Tensor:
        r"""Return (batch, class, \\*patch) float32, valid until the next call."""
        shape = tuple(output.shape[2:])
        if shape not in self._weights:
            self._weights[shape] = torch.from_numpy(window_array(self._window, shape).copy()).to(output.device)
        if self._buffer.shape != output.shape or self._buffer.device != output.device:
            self._buffer = torch.empty(output.shape, dtype=torch.float32, device=output.device)
        multiply_into(self._buffer, output, self._weights[shape])
        return self._buffer


def _todo(plan: Plan, skip: Container[Index]) -> Iterator[Batch]:
    """Yield the batches that touch a chunk to be finished; one batch at least, which tells the number of classes."""
    wanted = (batch for batch in batches(plan) if _is_wanted(plan, batch, skip))
    first = next(wanted, None)
    yield first if first is not None else next(batches(plan))
    yield from wanted


def _is_wanted(plan: Plan, batch: Batch, skip: Container[Index]) -> bool:
    return any(chunk not in skip for index in batch for chunk in plan.chunks_touching(plan.patch_box(index)))
