"""The same plan on many processes: parts of the output as tasks of dask.distributed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.engine.account import Account
from napari_seamless.engine.control import Control
from napari_seamless.engine.corridor import Corridor
from napari_seamless.engine.evaluator import Evaluator
from napari_seamless.engine.events import ChunkWritten, Progress, Started, Warned, ignore_event
from napari_seamless.engine.output import open_sink
from napari_seamless.engine.part import Outside, Part, split
from napari_seamless.engine.reading import patch_reader, read_batch
from napari_seamless.engine.stopwatch import Stopwatch
from napari_seamless.errors import MissingDependencyError, SettingsError
from napari_seamless.plan import Batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_seamless.engine.events import OnEvent
    from napari_seamless.engine.job import Job
    from napari_seamless.patches import Statistics
    from napari_seamless.sinks import Sink

Index = tuple[int, ...]

CONNECT_SECONDS = 10
TASKS_PER_WORKER = 4
"""Tasks for each worker: enough that a slow or lost one costs little, few enough that halos do."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """What every worker gets once.

    Parameters
    ----------
    job : Job
        The run; its volume and network must be picklable.
    identity : mapping
        See `run_identity`.
    statistics : Statistics or None
        What the intensities are normalised with.
    done : frozenset of tuple of int
        Chunks that an earlier run finished.
    """

    job: Job
    identity: Mapping[str, Any]
    statistics: Statistics | None
    done: frozenset[Index]


@contextmanager
def cluster_client(workers: int | None, scheduler: str | None) -> Iterator[Any]:
    """Connect to a scheduler, or start local worker processes for the time of the block.

    Parameters
    ----------
    workers : int or None
        Local processes to start; used where there is no `scheduler`.
    scheduler : str or None
        Address of a running scheduler, such as ``"tcp://10.0.0.1:8786"``.

    Raises
    ------
    MissingDependencyError
        dask.distributed is not installed.
    SettingsError
        The scheduler does not answer, or there are no workers.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise MissingDependencyError(
            "Running on several processes needs dask.distributed; install napari-seamless[distributed]."
        ) from error
    if scheduler is None:
        if workers is None or workers < 1:
            raise SettingsError(f"workers must be 1 or more, got {workers}; try 2.")
        with (
            LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=0
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise SettingsError(
            f"The scheduler {scheduler} does not answer ({error}); check the address, or use workers for "
            "local processes."
        ) from error
    with client:
        yield client


def run_parts(client: Any, order: Order, on_event: OnEvent, control: Control, watch: Stopwatch) -> tuple[Sink, Account]:
    """Run a job on a cluster.

    Tasks finish their chunks alone and write them whole, so a task that is lost with its worker is simply done again.
    Patches over a border between two tasks are evaluated by both.

    Parameters
    ----------
    client : distributed.Client
        The cluster.
    order : Order
        What to run.
    on_event, control, watch
        As in a run of one process.

    Returns
    -------
    sink : Sink
        The finished output.
    account : Account
        What all tasks tell; they evaluate more patches than the plan has by those over borders between tasks.
    """
    job, plan = order.job, order.job.plan
    sent = client.scatter(order, broadcast=True, hash=False)
    outputs: int = client.submit(count_outputs, sent, pure=False).result()
    sink = open_sink(job, outputs, dict(order.identity))
    on_event(Started(plan=plan, volume=sink.volume))
    workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    every = split(plan, TASKS_PER_WORKER * workers, sink.unit)
    parts = [part for part in every if any(i not in order.done for i in part)]
    futures = {client.submit(run_part, sent, outputs, part, pure=False): part for part in parts}
    account = Account()
    try:
        for future in _as_completed(futures, control):
            control.checkpoint()
            told, seconds = future.result()
            watch.add(seconds)
            for text in told.warnings:
                if text not in account.warnings:
                    on_event(Warned(text))
            account += told
            for index in futures[future]:
                if index not in order.done:
                    sink.record(index)
                    on_event(ChunkWritten(plan.chunk_box(index).within(plan.output_box.start)))
            finished = sum(f.done() for f in futures) / len(futures)
            on_event(Progress(done=round(finished * plan.n_patches), total=plan.n_patches, seconds=watch.seconds()))
    except BaseException:
        client.cancel(list(futures), force=True)
        raise
    return sink, account


def _as_completed(futures: Mapping[Any, Part], control: Control) -> Iterator[Any]:
    """Yield finished futures, asking the control twice a second."""
    from distributed import wait

    waiting = set(futures)
    while waiting:
        control.checkpoint()
        try:
            done, waiting = wait(waiting, timeout=0.5, return_when="FIRST_COMPLETED")
        except TimeoutError:
            continue
        yield from done


def count_outputs(order: Order) -> int:
    """Evaluate one batch in a worker and return the number of output channels."""
    job = _arrive(order)
    reader = patch_reader(job.volume, job.settings, job.plan, job.model.spec.normalization, order.statistics)
    voxels = torch.from_numpy(read_batch(reader, job.plan, Batches(job.plan)[0]))
    evaluate = Evaluator(job.model, job.device, job.settings, job.plan, lambda _: None)
    return int(evaluate(voxels.to(job.device)).shape[1])


def run_part(order: Order, outputs: int, part: Part) -> tuple[Account, dict[str, float]]:
    """Finish the chunks of one part in a worker.

    Returns
    -------
    account : Account
        What this task tells.
    seconds : dict
        Busy time of each stage.
    """
    job = _arrive(order)
    watch = Stopwatch()
    corridor = Corridor(job, ignore_event, Control(), watch, Outside(part, order.done))
    sink = open_sink(replace(job, resume=True, overwrite=False), outputs, dict(order.identity), record=False)
    corridor.walk(order.statistics, lambda _: sink)
    return corridor.account, watch.seconds()


def _arrive(order: Order) -> Job:
    """Make a worker compute as the first process would, one batch at a time: other workers fill the other cores."""
    job = order.job
    job.model.to(job.device)
    return replace(job, lanes=replace(job.lanes, devices=job.lanes.devices[:1]))
