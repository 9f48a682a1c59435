"""What a run needs of memory, and what it may take."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import torch

from napari_seamless.engine.shard import waiting_bytes
from napari_seamless.errors import SettingsError
from napari_seamless.volume import useful_cache_bytes

if TYPE_CHECKING:
    from napari_seamless.engine.job import Job
    from napari_seamless.engine.lanes import LaneCount
    from napari_seamless.types import Plan

WRITERS = 2
"""Threads that reduce and store finished chunks."""
PENDING_CHUNKS = 2 * WRITERS
"""Finished chunks that may wait for a writer."""

_FLOAT = 4
_RESERVED = 8
"""This part of a budget is left to what allocators keep and to sums of weights."""


@dataclass(frozen=True, slots=True)
class SumsPlace:
    """Where the sums of chunks are kept, and how many bytes of them before they are spilled."""

    device: torch.device
    budget: int


def batch_bytes(plan: Plan, channels: int) -> int:
    """Return the bytes of one float32 batch with this many channels."""
    return _FLOAT * channels * plan.batch_size * math.prod(plan.patch_size)


def chunk_bytes(plan: Plan, classes: int) -> int:
    """Return the bytes of the sums of one output chunk."""
    return _FLOAT * classes * math.prod(plan.chunk)


def queue_bytes(plan: Plan, lanes: LaneCount, channels: int, classes: int) -> int:
    """Return the bytes in flight beside the accumulators: batches in and out of the lanes, chunks on their way out."""
    batch_in, batch_out = batch_bytes(plan, channels), batch_bytes(plan, classes)
    batches = lanes.in_flight * (batch_in + batch_out) + len(lanes.devices) * batch_out
    # a finished chunk is summed, divided and shrunk for the pyramid
    return batches + 2 * (PENDING_CHUNKS + WRITERS) * chunk_bytes(plan, classes)


def accumulator_bytes(plan: Plan, classes: int) -> int:
    """Return the largest size of all accumulators at once: the chunks that one row of patches touches."""
    output = plan.output_box
    rows = plan.grids[0].touching(output.start[0], output.stop[0])
    chunks = max((len(plan.chunks_along(0, *plan.grids[0].interval(row))) for row in rows), default=0)
    return _FLOAT * classes * min(chunks * plan.chunk[0], output.shape[0]) * math.prod(output.shape[1:])


def cache_bytes(job: Job) -> int:
    """Return the bytes for decoded chunks of the input that the next patches need again."""
    return useful_cache_bytes(job.volume, job.plan.patch_size, _budget(job) // 8, channel=job.settings.channel)


def sums_place(job: Job, classes: int) -> SumsPlace:
    """Return where the sums are kept: on the GPU where all of them fit into half of what is free there, else here.

    Raises
    ------
    SettingsError
        The budget holds not even what is in flight and the chunks under one patch.
    """
    plan, device = job.plan, job.device
    most = accumulator_bytes(plan, classes)
    if device.type == "cuda" and most <= torch.cuda.mem_get_info(device)[0] // 2:
        return SumsPlace(device, most)
    budget = _budget(job)
    under_one_patch = math.prod(-(-p // c) + 1 for p, c in zip(plan.patch_size, plan.chunk, strict=True))
    rest = queue_bytes(plan, job.lanes, job.n_channels, classes)
    if job.output is None:
        rest += job.output_bytes(classes)
    rest += waiting_bytes(job.settings)
    under = min(under_one_patch * chunk_bytes(plan, classes), most)
    least = rest + under
    if budget < least:
        raise SettingsError(
            f"memory_budget is {budget // 2**20} MiB, but {job.lanes.in_flight} batches of {plan.batch_size} patches "
            f"{plan.patch_size} with {classes} classes{_beside(job)} need {math.ceil(least / 2**20)} MiB; "
            f"raise the budget, {'give an output folder, ' if job.output is None else ''}"
            "or choose smaller patches or batches."
        )
    reserve = budget // _RESERVED
    return SumsPlace(torch.device("cpu"), max(under, budget - rest - cache_bytes(job) - reserve))


def _budget(job: Job) -> int:
    chosen = job.settings.memory_budget
    return psutil.virtual_memory().available // 2 if chosen is None else chosen


def _beside(job: Job) -> str:
    return " and the output in memory" if job.output is None else ""


def peak_memory_bytes() -> int:
    """Return the largest resident memory of this process so far; the present one where the system does not tell."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
