"""What a training and a segmentation cost: memory at its peak, and time."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

import psutil
import torch

if TYPE_CHECKING:
    from types import TracebackType

    from napari_seamless.training.oss_net.trainees import Trainee

_EVERY = 0.02
"""Seconds between two looks at the memory of the process."""


class PeakMemory:
    """Context manager that watches memory: on CUDA what torch allocates there, else by what the process grows.

    Attributes
    ----------
    bytes : int
        The largest so far; final when the block has ended.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._process = psutil.Process()
        self._begin = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="seamless-memory", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._begin = self._process.memory_info().rss
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching."""
        self._done.set()
        self._thread.join()
        if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
            self.bytes = torch.cuda.max_memory_allocated()

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, self._process.memory_info().rss - self._begin)
            if self._done.wait(_EVERY):
                return


def seconds_to_segment(trainee: Trainee, crop: torch.Tensor) -> float:
    """Return the shorter of two times that a network takes for all voxels of one crop.

    Parameters
    ----------
    trainee : Trainee
        The network; put into use.
    crop : torch.Tensor
        (channel, z, y, x) with its halo of 7 voxels.
    """
    here = crop.to(next(trainee.parameters()).device)
    trainee.eval()
    times = []
    for _ in range(2):
        begin = time.perf_counter()
        trainee.segment(here)
        times.append(time.perf_counter() - begin)
    return min(times)
