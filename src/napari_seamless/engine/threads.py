"""How many threads torch takes for one operation, thread by thread."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LANE_BYTES_PER_VOXEL = 1024
"""What a forward pass may take for each voxel of its batch; a U-Net that begins with 32 channels takes about this."""

_one_at_a_time = threading.Lock()


def threads_per_pass(voxels: int) -> int:
    """Return how many threads one forward pass on the CPU gets where the settings do not say.

    One, with as many passes side by side as there are cores: small operations on many threads spend their time on
    waiting for each other. More where so many passes would not fit a quarter of the memory. The machine decides, and
    not what is free at the moment: a network's rounding may depend on it.

    Parameters
    ----------
    voxels : int
        Voxels of a batch.
    """
    cores = torch.get_num_threads()
    memory: int = psutil.virtual_memory().total
    fitting = memory // 4 // max(1, voxels * _LANE_BYTES_PER_VOXEL)
    return -(-cores // max(1, min(cores, fitting)))


def limit_threads(n: int) -> None:
    """Let torch use `n` threads for each operation that the calling thread starts; others keep what they have."""
    with _one_at_a_time:
        # a thread takes the default when it first asks or computes, which would undo what was set before
        torch.get_num_threads()
        default: list[int] = []
        _in_another_thread(lambda: default.append(torch.get_num_threads()))
        # the call also sets what threads get that begin later; another thread's call sets that back
        torch.set_num_threads(n)
        _in_another_thread(lambda: torch.set_num_threads(default[0]))


def _in_another_thread(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let the calling thread's operations run in it alone, for the time of the block."""
    before = torch.get_num_threads()
    limit_threads(1)
    try:
        yield
    finally:
        limit_threads(before)


def available_cores() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
