"""One pass over the batches: read, forward, blend, reduce, write."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.blend import Scratch
from napari_seamless.engine.account import Account
from napari_seamless.engine.agenda import Agenda
from napari_seamless.engine.blending import Blending, Finished
from napari_seamless.engine.evaluation import Evaluation, ReadyNetwork
from napari_seamless.engine.events import OnEvent, Progress, Started, Warned
from napari_seamless.engine.finish import Finisher
from napari_seamless.engine.lanes import Lanes
from napari_seamless.engine.memory import sums_place
from napari_seamless.engine.output import check_storable, make_reduction
from napari_seamless.engine.threads import single_threaded
from napari_seamless.engine.trim import Trimmer
from napari_seamless.plan import Batch, Batches, uncovered_chunks
from napari_seamless.volume import ChunkFaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.job import Job
    from napari_seamless.engine.part import Outside
    from napari_seamless.engine.stopwatch import Stopwatch
    from napari_seamless.patches import Statistics
    from napari_seamless.sinks import Sink

_Result = tuple[Batch, Finished | torch.Tensor]


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
        self._trim = Trimmer(wanted=job.settings.memory_budget is not None)
        self._agenda = Agenda(job.plan, outside, lambda: control.in_sight)

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
        network = ReadyNetwork(job, statistics, self._warn)
        evaluation = Evaluation(job, network, self._control, self._watch)

        def evaluate(batch: Batch, lanes: Lanes[Batch, Any]) -> torch.Tensor:
            output = evaluation(batch, lanes)
            check_storable(job, output)
            return output

        batches = iter(self._agenda)
        # one batch at least, which tells the number of classes
        first = next(batches, Batches(job.plan)[0])
        with single_threaded(), Lanes[Batch, torch.Tensor](job.lanes, evaluate, self._watch) as lanes:
            (output,) = lanes.map([first])
        outputs = int(output.shape[1])
        place = sums_place(job, outputs)
        sink = open_sink(outputs)
        with _closed_on_failure(sink), Scratch(job.output) as scratch:
            blending = Blending(job.plan, place, scratch, self._outside, self._watch)
            finisher = Finisher(
                sink, job.plan, make_reduction(job, outputs), self._on_event, self._watch, blending.recycle
            )
            with finisher:
                self._on_event(Started(plan=job.plan, volume=sink.volume))
                with single_threaded():
                    self._hand_over(first, blending.add(first, output), finisher)
                    del output
                    for batch, finished in self._blended(batches, evaluate, blending):
                        self._hand_over(batch, finished, finisher)
                self._fill_uncovered(finisher, outputs)
        return sink

    def _blended(
        self, batches: Iterator[Batch], evaluate: Callable[[Batch, Lanes[Batch, Any]], torch.Tensor], blending: Blending
    ) -> Iterator[tuple[Batch, Finished]]:
        """Yield every batch with the chunks that it finishes, when it is evaluated and added."""

        def expected() -> Iterator[Batch]:
            for batch in batches:
                blending.expect(batch)
                yield batch

        def work(batch: Batch, lanes: Lanes[Batch, _Result]) -> _Result:
            try:
                output = evaluate(batch, lanes)
                return (batch, blending.add(batch, output) if blending.in_lanes else output)
            except BaseException:
                blending.give_up()
                raise

        with Lanes(self._job.lanes, work, self._watch) as lanes:
            try:
                for batch, done in lanes.map(expected()):
                    yield batch, blending.add(batch, done) if isinstance(done, torch.Tensor) else done
            except BaseException:
                self._control.resume()  # lanes that a pause holds could not end
                raise

    def _hand_over(self, batch: Batch, finished: Finished, finisher: Finisher) -> None:
        self._control.checkpoint()
        finisher.check()
        for chunk, sums in finished:
            finisher.submit(chunk, sums)
        self._trim()
        self._evaluated += len(batch)
        self._counted += self._agenda.count(batch)
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
