"""A run from its first look at the volume to its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_seamless.blend import remove_stale
from napari_seamless.engine.cluster import Order, cluster_client, run_parts
from napari_seamless.engine.corridor import Corridor
from napari_seamless.engine.events import Finished, Measuring, OnEvent, Progress, Warned
from napari_seamless.engine.memory import peak_memory_bytes
from napari_seamless.engine.output import open_sink
from napari_seamless.engine.part import Outside, whole
from napari_seamless.engine.record import reduce_identity, run_identity
from napari_seamless.engine.result import Segmentation
from napari_seamless.engine.stopwatch import Stopwatch
from napari_seamless.errors import OutOfMemoryError, SeamlessError
from napari_seamless.models import is_out_of_memory
from napari_seamless.patches import Statistics, volume_statistics
from napari_seamless.plan import covered_box
from napari_seamless.sinks import Sink, finished_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.engine.account import Account
    from napari_seamless.engine.control import Control
    from napari_seamless.engine.job import Job
    from napari_seamless.volume import ChunkFaults


def run(job: Job, on_event: OnEvent, control: Control) -> Segmentation:
    """Run a job: see `Job.run`."""
    try:
        # other threads add to what this one makes, which torch forbids for tensors of somebody's inference mode
        with torch.inference_mode(mode=False):
            return _run(job, on_event, control)
    except SeamlessError:
        raise
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        then = "give an output folder" if job.output is None else "then resume"
        raise OutOfMemoryError(
            f"Memory ran out ({str(error).strip() or type(error).__name__}); choose a smaller memory_budget, smaller "
            f"patches or more threads for each forward pass, so that fewer run at once, and {then}."
        ) from error


def _run(job: Job, on_event: OnEvent, control: Control) -> Segmentation:
    watch = Stopwatch()
    with watch.stage("read"):
        statistics = _statistics(job, on_event, control)
        identity = run_identity(job.volume, job.model.spec, job.settings, job.plan, statistics)
        identity |= reduce_identity(job.reduce)
    if job.output is not None:
        remove_stale(job.output)
    done = finished_chunks(job.output, identity) if job.resume and job.output is not None else frozenset()
    if job.workers is None and job.scheduler is None:
        corridor = Corridor(job, on_event, control, watch, Outside(whole(job.plan), done))
        sink = corridor.walk(statistics, lambda outputs: open_sink(job, outputs, identity))
        account = corridor.account
    else:
        order = Order(job=job, identity=identity, statistics=statistics, done=done)
        with cluster_client(job.workers, job.scheduler) as client:
            sink, account = run_parts(client, order, on_event, control, watch)
    with watch.stage("write"):
        sink.finish()
    on_event(Progress(done=job.plan.n_patches, total=job.plan.n_patches, seconds=watch.seconds()))
    return _result(job, sink, watch, account, on_event)


def _statistics(job: Job, on_event: OnEvent, control: Control) -> Statistics | None:
    normalization = job.model.spec.normalization
    if normalization.kind == "none":
        return None

    def on_block(done: int, total: int) -> None:
        control.checkpoint()
        on_event(Measuring(done=done, total=total))

    return volume_statistics(job.volume, normalization, channel=job.settings.channel, on_block=on_block)


def _warnings(job: Job, faults: ChunkFaults) -> Iterator[str]:
    missed = job.plan.output_box.size - covered_box(job.plan).size
    if missed:
        yield f"The border mode crop left {missed} voxels at the volume's end uncovered; they hold 0."
    yield from faults.sentences(job.volume.name)


def _result(job: Job, sink: Sink, watch: Stopwatch, account: Account, on_event: OnEvent) -> Segmentation:
    warnings = tuple(_warnings(job, account.faults))
    for text in warnings:
        on_event(Warned(text))
    volume = sink.volume
    result = Segmentation(
        volume=volume,
        path=sink.path,
        plan=job.plan,
        classes=tuple(volume.label_names.values()) or volume.channels,
        timings=watch.seconds(),
        patches=job.plan.n_patches,
        evaluated=account.evaluated,
        peak_memory_bytes=peak_memory_bytes(),
        warnings=(*account.warnings, *warnings),
    )
    on_event(Finished(result))
    return result
