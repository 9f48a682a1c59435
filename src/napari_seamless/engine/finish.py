"""Threads that reduce finished chunks and hand them to the sink."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from napari_seamless.blend import TiledSums
from napari_seamless.blend.tiles import tile_cuts
from napari_seamless.engine.events import ChunkWritten, OnEvent
from napari_seamless.engine.memory import PENDING_CHUNKS, WRITERS
from napari_seamless.engine.threads import limit_threads

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from napari_seamless.engine.output import Reduction
    from napari_seamless.engine.stopwatch import Stopwatch
    from napari_seamless.sinks import Sink
    from napari_seamless.types import Box, Plan


class Finisher:
    """Reduce and store finished chunks behind the network's back; at most a few wait.

    Parameters
    ----------
    sink : Sink
        Where they go.
    plan : Plan
        Geometry of the run.
    reduction : Reduction
        From class sums to what is stored.
    on_event : callable
        Told of every stored chunk.
    watch : Stopwatch
        Counts the work as ``write``.
    recycle : callable
        Takes back sums that were reduced.
    """

    def __init__(  # noqa: PLR0913, PLR0917  what a finished chunk passes through, each once
        self,
        sink: Sink,
        plan: Plan,
        reduction: Reduction,
        on_event: OnEvent,
        watch: Stopwatch,
        recycle: Callable[[TiledSums], None],
    ) -> None:
        self._sink = sink
        self._plan = plan
        self._reduction = reduction
        self._on_event = on_event
        self._watch = watch
        self._recycle = recycle
        self._pool = ThreadPoolExecutor(WRITERS, "seamless-write", initializer=limit_threads, initargs=(1,))
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

    def submit(self, index: tuple[int, ...], sums: TiledSums) -> None:
        """Take a finished chunk; blocks while too many wait.

        Raises
        ------
        Exception
            What an earlier chunk failed with.
        """
        self._places.acquire()
        self.check()
        self._pool.submit(self._store, index, sums).add_done_callback(self._done)

    def submit_empty(self, index: tuple[int, ...], classes: int) -> None:
        """Take a chunk without any patch, whose sums are 0."""
        box = self._plan.chunk_box(index)
        self.submit(index, TiledSums(classes, tuple(tile_cuts(n, len(index)) for n in box.shape)))

    def _store(self, index: tuple[int, ...], sums: TiledSums) -> None:
        box = self._plan.chunk_box(index)
        with self._watch.stage("write"):
            block = self._reduce(box, sums)
            self._recycle(sums)
            stored = self._sink.write(index, self._place(index), block)
        for chunk in stored:
            self._on_event(ChunkWritten(self._place(chunk)))

    def _place(self, index: tuple[int, ...]) -> Box:
        """Return the voxels of the output in a chunk."""
        return self._plan.chunk_box(index).within(self._plan.output_box.start)

    def _reduce(self, box: Box, sums: TiledSums) -> np.ndarray[Any, Any]:
        reduction = self._reduction
        if not reduction.by_tile:
            return reduction.function(sums.whole(), box)
        block = np.empty((*reduction.leading, *box.shape), reduction.dtype)
        for tile, within in zip(sums.tiles, sums.boxes(), strict=True):
            place: tuple[Any, ...] = (..., *within.slices)
            block[place] = reduction.function(tile, within.within(tuple(-a for a in box.start)))
        return block

    def _done(self, future: Future[None]) -> None:
        error = future.exception()
        if error is not None and self._first_error is None:
            self._first_error = error
        self._places.release()

    def check(self) -> None:
        """Raise what an earlier chunk failed with."""
        if self._first_error is not None:
            raise self._first_error
