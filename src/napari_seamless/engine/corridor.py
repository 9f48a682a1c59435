"""One pass over the batches: read, forward, blend, reduce, write."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_seamless.blend import Buffers, ChunkAccumulators, Scratch, TiledSums
from napari_seamless.engine.account import Account
from napari_seamless.engine.agenda import Agenda
from napari_seamless.engine.evaluator import Evaluator, check_finite
from napari_seamless.engine.events import OnEvent, Progress, Started, Warned
from napari_seamless.engine.finish import Finisher
from napari_seamless.engine.lanes import Lanes
from napari_seamless.engine.memory import cache_bytes, sums_place
from napari_seamless.engine.output import check_storable, make_reduction
from napari_seamless.engine.reading import patch_reader, read_batch
from napari_seamless.engine.threads import single_threaded
from napari_seamless.plan import Batches, uncovered_chunks, window_array
from napari_seamless.volume import ChunkFaults, cached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.job import Job
    from napari_seamless.engine.part import Outside
    from napari_seamless.engine.stopwatch import Stopwatch
    from napari_seamless.patches import PatchReader, Statistics
    from napari_seamless.plan import Batch
    from napari_seamless.sinks import Sink
    from napari_seamless.types import Plan


Index = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Output:
    r"""What comes out of a lane: a batch, and (batch, class, \*patch) float32 times the window."""

    batch: Batch
    weighted: torch.Tensor


class Corridor:
    """Finish all chunks of a part of the output but those that are skipped.

    Parameters
    ----------
    job : Job
        What to run.
    on_event, control
        As in `Job.run`.
    watch : Stopwatch
        Counts the stages.
    outside : Outside
        What is not to be finished.
    """

    def __init__(self, job: Job, on_event: OnEvent, control: Control, watch: Stopwatch, outside: Outside) -> None:
        self._evaluated = 0
        self._counted = 0
        self._warnings: list[str] = []
        self._job = job
        self._on_event = on_event
        self._control = control
        self._watch = watch
        self._outside = outside
        self._agenda = Agenda(job.plan, outside, lambda: control.in_sight)
        self._windows = _Windows(job.plan)
        self._buffers = Buffers()

    @property
    def account(self) -> Account:
        """What there is to tell so far."""
        faults = ChunkFaults.of(self._job.volume)
        return Account(evaluated=self._evaluated, warnings=tuple(self._warnings), faults=faults)

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
        volume = cached(job.volume, cache_bytes(job))
        reader = patch_reader(volume, job.settings, job.plan, job.model.spec.normalization, statistics)
        evaluators = self._evaluators()
        self._verify(evaluators, reader)

        def work(batch: Batch, lanes: Lanes[Batch, _Output]) -> _Output:
            with self._watch.stage("read"):
                voxels = torch.from_numpy(read_batch(reader, job.plan, batch))
            with lanes.take() as lane:
                self._control.checkpoint()
                return self._evaluate(batch, voxels, evaluators[lane.device], lane.device)

        with single_threaded(), Lanes(job.lanes, work, self._watch) as lanes:
            return self._pass(lanes.map(self._todo()), open_sink)

    def _todo(self) -> Iterator[Batch]:
        """Yield what is to do; one batch at least, which tells the number of classes."""
        agenda = iter(self._agenda)
        yield next(agenda, Batches(self._job.plan)[0])
        yield from agenda

    def _evaluators(self) -> dict[torch.device, Evaluator]:
        """Return what evaluates on each device; every further GPU gets a copy of the network."""
        job, evaluators = self._job, dict[torch.device, Evaluator]()
        for device in dict.fromkeys(job.lanes.devices):
            model = copy.deepcopy(job.model) if evaluators else job.model
            model.to(device)
            evaluators[device] = Evaluator(model, device, job.settings, job.plan, self._warn)
        return evaluators

    def _verify(self, evaluators: dict[torch.device, Evaluator], reader: PatchReader) -> None:
        """Let a reduced precision prove itself on the first batch of the plan, always the same one."""
        if not any(evaluator.needs_verification for evaluator in evaluators.values()):
            return
        voxels = torch.from_numpy(read_batch(reader, self._job.plan, Batches(self._job.plan)[0]))
        for device, evaluator in evaluators.items():
            evaluator.verify(voxels.to(device))

    def _evaluate(self, batch: Batch, voxels: torch.Tensor, evaluator: Evaluator, device: torch.device) -> _Output:
        with self._watch.stage("forward"):
            if device.type == "cuda":
                voxels = voxels.pin_memory()
            output = evaluator(voxels.to(device, non_blocking=True))
            plan = self._job.plan
            check_finite(output, [plan.patch_box(index) for index in batch], self._job.model.spec.name)
            check_storable(self._job, output)
        with self._watch.stage("blend"):
            # multiply here, add later: a fused operation rounds differently from one element to the next
            window = self._windows(tuple(output.shape[2:]), device)
            if device.type != "cpu":
                return _Output(batch, output * window)
            weighted = self._buffers.take(output.numel(), device)
            return _Output(batch, torch.mul(output, window, out=weighted.view(output.shape)))

    def _pass(self, results: Iterator[_Output], open_sink: Callable[[int], Sink]) -> Sink:
        job = self._job
        first = next(results)
        outputs = int(first.weighted.shape[1])
        place = sums_place(job, outputs)
        sink = open_sink(outputs)
        reduction = make_reduction(job, outputs)
        scratch = Scratch(job.output)
        sums = ChunkAccumulators(job.plan, scratch, budget=place.budget, skip=self._outside)
        finishing = Finisher(sink, job.plan, reduction, self._on_event, self._watch, sums.recycle)
        with _closed_on_failure(sink), scratch, finishing as finisher:
            self._on_event(Started(plan=job.plan, volume=sink.volume))
            self._blend(first, place.device, sums, finisher)
            del first
            for result in results:
                self._control.checkpoint()
                self._blend(result, place.device, sums, finisher)
            self._fill_uncovered(finisher, outputs)
        return sink

    def _blend(self, result: _Output, home: torch.device, sums: ChunkAccumulators, finisher: Finisher) -> None:
        finisher.check()
        finished: list[tuple[Index, TiledSums]] = []
        with self._watch.stage("blend"):
            weighted = _at_home(result.weighted, home)
            for index, patch in zip(result.batch, weighted.unbind(), strict=True):
                finished += sums.add(patch, index)
        if result.weighted.device.type == "cpu":
            self._buffers.give(result.weighted.view(-1))
        for chunk, total in finished:
            finisher.submit(chunk, total)
        self._evaluated += len(result.batch)
        self._counted += self._agenda.count(result.batch)
        total = self._job.plan.n_patches
        # where nothing is left to do, a batch that was passed over is evaluated to learn the number of classes
        done = min(self._counted + self._agenda.passed_over, total)
        self._on_event(Progress(done=done, total=total, seconds=self._watch.seconds()))

    def _fill_uncovered(self, finisher: Finisher, outputs: int) -> None:
        """Store the chunks that the border mode ``crop`` leaves without any patch; they hold 0."""
        for chunk in uncovered_chunks(self._job.plan):
            self._control.checkpoint()
            if chunk not in self._outside:
                finisher.submit_empty(chunk, outputs)

    def _warn(self, text: str) -> None:
        self._warnings.append(text)
        self._on_event(Warned(text))


@contextmanager
def _closed_on_failure(sink: Sink) -> Iterator[None]:
    """Let a sink drop what waits in it where a run does not reach its end."""
    try:
        yield
    except BaseException:
        sink.close()
        raise


def _at_home(weighted: torch.Tensor, home: torch.device) -> torch.Tensor:
    if weighted.is_cuda:
        # a lane's stream made it: its memory must not be given to that lane again before it is added here
        weighted.record_stream(torch.cuda.current_stream(weighted.device))
    return weighted.to(home)


class _Windows:
    """The window on every device, for every shape of a patch."""

    def __init__(self, plan: Plan) -> None:
        self._window = plan.window
        self._known: dict[tuple[tuple[int, ...], torch.device], torch.Tensor] = {}

    def __call__(self, shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
        """Return float32 of a patch's shape."""
        key = (shape, device)
        if key not in self._known:
            self._known[key] = torch.from_numpy(window_array(self._window, shape).copy()).to(device)
        return self._known[key]
