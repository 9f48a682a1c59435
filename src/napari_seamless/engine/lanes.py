"""Forward passes side by side, their results in order."""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import torch

from napari_seamless.engine.threads import available_cores, limit_threads, threads_per_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from napari_seamless.engine.stopwatch import Stopwatch
    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import Model, Plan

T = TypeVar("T")
R = TypeVar("R")

_LANES_PER_GPU = 2
"""One sends its patches while the other one computes."""
_MOST_READERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneCount:
    """How many forward passes run at once, and how.

    Parameters
    ----------
    devices : tuple of torch.device
        The device of each lane; a GPU may come twice.
    threads : int
        Torch threads of each forward pass.
    readers : int
        Batches that are read meanwhile.
    """

    devices: tuple[torch.device, ...]
    threads: int
    readers: int

    @property
    def in_flight(self) -> int:
        """Batches that are read, evaluated or waiting at once."""
        return len(self.devices) + self.readers + 1


def lane_count(model: Model, settings: RunSettings, plan: Plan, devices: tuple[torch.device, ...]) -> LaneCount:
    """Return how many lanes these devices get: on a CPU as many as its cores allow, on GPUs two for each.

    One lane only where the network is somebody's function: it may not expect to be called by several threads at once.
    """
    several = getattr(model, "is_thread_safe", False)
    if all(device.type == "cpu" for device in devices):
        cores = torch.get_num_threads()
        voxels = plan.batch_size * math.prod(plan.patch_size)
        threads = settings.threads or (threads_per_pass(voxels) if several else cores)
        lanes = max(1, cores // threads) if several else 1
        return LaneCount(devices=devices[:1] * lanes, threads=threads, readers=1)
    readers = max(1, min(_MOST_READERS, available_cores() - 1))
    lanes_per_gpu = _LANES_PER_GPU if several else 1
    return LaneCount(devices=devices * lanes_per_gpu, threads=settings.threads or 1, readers=readers)


@dataclass(slots=True)
class Lane:
    """A place for one forward pass at a time.

    Parameters
    ----------
    device : torch.device
        Where it computes; on CUDA in a stream of its own.
    """

    device: torch.device
    free_since: float = field(default_factory=time.perf_counter)
    stream: torch.cuda.Stream | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.device.type == "cuda":
            self.stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]  # it has no annotations

    @contextmanager
    def working(self) -> Iterator[None]:
        """Compute in the lane's stream, and wait for it in the end."""
        if self.stream is None:
            yield
            return
        with torch.cuda.stream(self.stream):
            yield
        self.stream.synchronize()


class Lanes(Generic[T, R]):
    """Threads that each prepare an item, take a lane and evaluate it there.

    Reading needs no lane, so that the threads without one read ahead. Results come in the order of the items.

    Parameters
    ----------
    count : LaneCount
        Lanes, readers and torch threads.
    work : callable
        Gets an item and this object, whose `take` lends a lane; returns the result.
    watch : Stopwatch
        Counts as ``wait`` how long lanes had nothing to evaluate, each lane for itself.
    """

    def __init__(self, count: LaneCount, work: Callable[[T, Lanes[T, R]], R], watch: Stopwatch) -> None:
        self._count = count
        self._work = work
        self._watch = watch
        self._free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        for device in count.devices:
            self._free.put(Lane(device))
        self._pool = ThreadPoolExecutor(
            len(count.devices) + count.readers, "seamless-lane", initializer=limit_threads, initargs=(count.threads,)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    @contextmanager
    def take(self) -> Iterator[Lane]:
        """Lend a lane as soon as one is free."""
        lane = self._free.get()
        self._watch.add({"wait": time.perf_counter() - lane.free_since})
        try:
            with lane.working():
                yield lane
        finally:
            lane.free_since = time.perf_counter()
            self._free.put(lane)

    def map(self, items: Iterable[T]) -> Iterator[R]:
        """Yield the result of each item, in order; at most `LaneCount.in_flight` are held.

        Raises
        ------
        Exception
            What the work on an item raised, when its turn has come.
        """
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(self._pool.submit(self._work, item, self))
            if len(waiting) >= self._count.in_flight:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
