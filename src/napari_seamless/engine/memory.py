"""What a run needs of memory, and what it may take."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import psutil

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from napari_seamless.types import Plan

QUEUED_BATCHES = 2
"""Batches that wait for the network while it works on another one."""
WRITERS = 2
"""Threads that reduce and store finished chunks."""
PENDING_CHUNKS = 2 * WRITERS
"""Finished chunks that may wait for a writer."""

_FLOAT = 4


def batch_bytes(plan: Plan, channels: int) -> int:
    """Return the bytes of one float32 batch with this many channels."""
    return _FLOAT * channels * plan.batch_size * math.prod(plan.patch_size)


def chunk_bytes(plan: Plan, classes: int) -> int:
    """Return the bytes of the sums of one output chunk."""
    return _FLOAT * classes * math.prod(plan.chunk)


def queue_bytes(plan: Plan, channels: int, classes: int) -> int:
    """Return the bytes in flight beside the accumulators: batches read, one output, chunks on their way to disk."""
    batches_in = (QUEUED_BATCHES + 2) * batch_bytes(plan, channels)
    # a finished chunk is summed, divided and shrunk for the pyramid
    return batches_in + 2 * batch_bytes(plan, classes) + 2 * (PENDING_CHUNKS + WRITERS) * chunk_bytes(plan, classes)


def accumulator_bytes(plan: Plan, classes: int) -> int:
    """Return the largest size of all accumulators at once: the chunks that one row of patches touches."""
    rows = [grid.interval(i) for grid in plan.grids[:1] for i in range(len(grid))]
    chunk = plan.chunk[0]
    thickest = max((-(-min(b, plan.shape[0]) // chunk) - max(a, 0) // chunk) * chunk for a, b in rows)
    return _FLOAT * classes * min(thickest, plan.shape[0]) * math.prod(plan.shape[1:])


def accumulator_budget(plan: Plan, channels: int, classes: int, memory_budget: int | None) -> int:
    """Return how many bytes of sums may stay in memory; the rest is spilled.

    Raises
    ------
    SettingsError
        The budget holds not even one batch and the chunks under it.
    """
    budget = psutil.virtual_memory().available // 2 if memory_budget is None else memory_budget
    under_one_patch = math.prod(-(-p // c) + 1 for p, c in zip(plan.patch_size, plan.chunk, strict=True))
    queues = queue_bytes(plan, channels, classes)
    least = queues + min(under_one_patch * chunk_bytes(plan, classes), accumulator_bytes(plan, classes))
    if budget < least:
        raise SettingsError(
            f"memory_budget is {budget // 2**20} MiB, but one batch of {plan.batch_size} patches "
            f"{plan.patch_size} with {classes} classes needs {math.ceil(least / 2**20)} MiB; "
            "raise the budget, or choose smaller patches or batches."
        )
    return budget - queues


def peak_memory_bytes() -> int:
    """Return the largest resident memory of this process so far; the present one where the system does not tell."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
