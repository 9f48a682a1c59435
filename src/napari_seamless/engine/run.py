"""The corridor: read, forward, blend, reduce, write."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.blend import ChunkAccumulators, Scratch, multiply_into
from napari_seamless.engine.events import Finished, OnEvent, Progress, Started, Warned
from napari_seamless.engine.feed import Batch, Feed, FloatArray
from napari_seamless.engine.finish import Finisher
from napari_seamless.engine.forward import check_finite, forward, patch_reader, read_batch
from napari_seamless.engine.memory import accumulator_budget, peak_memory_bytes
from napari_seamless.engine.output import make_reduce, open_sink
from napari_seamless.engine.record import run_identity
from napari_seamless.engine.result import Segmentation
from napari_seamless.engine.stopwatch import Stopwatch
from napari_seamless.patches import Statistics, volume_statistics
from napari_seamless.plan import batches, covered_box, next_touch, uncovered_chunks, window_array
from napari_seamless.sinks import Sink, finished_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.job import Job
    from napari_seamless.types import Plan, Window

Index = tuple[int, ...]


def run(job: Job, on_event: OnEvent, control: Control) -> Segmentation:
    """Run a job: see `Job.run`."""
    watch = Stopwatch()
    with watch.stage("read"):
        statistics = _statistics(job, control)
        identity = run_identity(job.volume, job.model.spec, job.settings, job.plan, statistics)
    done = finished_chunks(job.output, identity) if job.resume and job.output is not None else frozenset()
    job.model.to(job.device)
    reader = patch_reader(job.volume, job.settings, job.plan, job.model.spec.normalization, statistics)
    with Feed(_todo(job.plan, done), lambda batch: read_batch(reader, job.plan, batch), watch) as feed:
        corridor = _Corridor(job, on_event, control, watch, done)
        sink = corridor.walk(iter(feed), identity)
    return _result(job, sink, watch, corridor.evaluated, on_event)


class _Corridor:
    """The state of one run while its batches pass through."""

    def __init__(self, job: Job, on_event: OnEvent, control: Control, watch: Stopwatch, done: frozenset[Index]) -> None:
        self.evaluated = 0
        self._passed = 0
        self._job = job
        self._on_event = on_event
        self._control = control
        self._watch = watch
        self._done = done
        self._weighting = _Weighting(job.plan.window)

    def walk(self, feed: Iterator[tuple[Batch, FloatArray]], identity: dict[str, Any]) -> Sink:
        """Evaluate every batch and return the finished sink.

        The first batch is evaluated before the output exists: a network that does not fit leaves nothing behind.
        """
        first = next(feed)
        self._control.checkpoint()
        output = self._forward(first)
        outputs, plan = int(output.shape[1]), self._job.plan
        budget = accumulator_budget(plan, self._job.n_channels, outputs, self._job.settings.memory_budget)
        sink = open_sink(self._job, outputs, identity)
        self._on_event(Started(plan=plan, volume=sink.volume))
        reduce = make_reduce(self._job, outputs)
        scratch = Scratch(_scratch_parent(self._job.output))
        sums = ChunkAccumulators(plan, next_touch, scratch, budget=budget, skip=self._done)
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
        with self._watch.stage("write"):
            sink.finish()
        if self._passed < plan.n_patches:  # an earlier run had finished the rest
            self._passed = plan.n_patches
            self._report()
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
        self._passed = int(np.ravel_multi_index(batch[-1], self._job.plan.grid_shape)) + 1
        self._report()

    def _report(self) -> None:
        self._on_event(Progress(done=self._passed, total=self._job.plan.n_patches, seconds=self._watch.seconds()))

    def _fill_uncovered(self, finisher: Finisher, outputs: int) -> None:
        """Store the chunks that the border mode ``crop`` leaves without any patch; they hold 0."""
        for chunk in uncovered_chunks(self._job.plan):
            self._control.checkpoint()
            if chunk not in self._done:
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


def _statistics(job: Job, control: Control) -> Statistics | None:
    normalization = job.model.spec.normalization
    if normalization.kind == "none":
        return None
    return volume_statistics(
        job.volume, normalization, channel=job.settings.channel, on_block=lambda *_: control.checkpoint()
    )


def _todo(plan: Plan, done: frozenset[Index]) -> Iterator[Batch]:
    """Yield the batches that touch an unfinished chunk; one batch at least, which tells the number of classes."""
    unfinished = (batch for batch in batches(plan) if not done or _touches_unfinished(plan, batch, done))
    first = next(unfinished, None)
    yield first if first is not None else next(batches(plan))
    yield from unfinished


def _touches_unfinished(plan: Plan, batch: Batch, done: frozenset[Index]) -> bool:
    return any(chunk not in done for index in batch for chunk in plan.chunks_touching(plan.patch_box(index)))


def _scratch_parent(output: Path | None) -> Path | None:
    """Spill beside the output: the folder for temporary files may itself lie in memory."""
    return None if output is None else output.absolute().parent


def _warnings(job: Job) -> Iterator[str]:
    covered = covered_box(job.plan).size
    if covered < math.prod(job.plan.shape):
        missed = math.prod(job.plan.shape) - covered
        yield f"The border mode crop left {missed} voxels at the volume's end uncovered; they hold 0."
    missing = getattr(job.volume.data, "missing_chunks", ())
    if missing:
        yield (
            f"{len(missing)} chunks of {job.volume.name} are not in its store and were read as its fill value, first "
            f"{missing[0]}; that is normal for stores that skip empty chunks, otherwise restore them from a copy."
        )


def _result(job: Job, sink: Sink, watch: Stopwatch, evaluated: int, on_event: OnEvent) -> Segmentation:
    warnings = tuple(_warnings(job))
    for text in warnings:
        on_event(Warned(text))
    volume = sink.volume
    result = Segmentation(
        volume=volume,
        path=sink.path,
        plan=job.plan,
        classes=tuple(volume.label_names.values()) if volume.is_labels else volume.channels,
        timings=watch.seconds(),
        patches=job.plan.n_patches,
        evaluated=evaluated,
        peak_memory_bytes=peak_memory_bytes(),
        warnings=warnings,
    )
    on_event(Finished(result))
    return result
