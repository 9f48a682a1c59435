"""Threads that reduce finished chunks and hand them to the sink."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from napari_seamless.engine.events import ChunkWritten, OnEvent
from napari_seamless.engine.memory import PENDING_CHUNKS, WRITERS
from napari_seamless.types import Box, Plan

if TYPE_CHECKING:
    from types import TracebackType

    from napari_seamless.engine.stopwatch import Stopwatch
    from napari_seamless.sinks import Sink

Reduce = Callable[[torch.Tensor, Box], np.ndarray[Any, Any]]


class Finisher:
    """Reduce and store finished chunks behind the network's back; at most a few wait.

    Parameters
    ----------
    sink : Sink
        Where they go.
    plan : Plan
        Geometry of the run.
    reduce : callable
        (class sums of a chunk, its box) to the block that is stored.
    on_event : callable
        Told of every stored chunk.
    watch : Stopwatch
        Counts the work as ``write``.
    """

    def __init__(self, sink: Sink, plan: Plan, reduce: Reduce, on_event: OnEvent, watch: Stopwatch) -> None:
        self._sink = sink
        self._plan = plan
        self._reduce = reduce
        self._on_event = on_event
        self._watch = watch
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="seamless-write")
        self._places = threading.BoundedSemaphore(PENDING_CHUNKS)
        self._first_error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)
        if error is None:
            self.check()

    def submit(self, index: tuple[int, ...], sums: torch.Tensor) -> None:
        """Take a finished chunk; blocks while too many wait.

        Raises
        ------
        Exception
            What an earlier chunk failed with.
        """
        self._places.acquire()
        self.check()
        self._pool.submit(self._store, index, sums).add_done_callback(self._done)

    def _store(self, index: tuple[int, ...], sums: torch.Tensor) -> None:
        box = self._plan.chunk_box(index)
        with self._watch.stage("write"):
            self._sink.write(index, box, self._reduce(sums, box))
        self._on_event(ChunkWritten(box))

    def _done(self, future: Future[None]) -> None:
        error = future.exception()
        if error is not None and self._first_error is None:
            self._first_error = error
        self._places.release()

    def check(self) -> None:
        """Raise what an earlier chunk failed with."""
        if self._first_error is not None:
            raise self._first_error
