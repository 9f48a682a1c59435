"""A thread that reads batches ahead of the network, through a bounded queue."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from napari_seamless.engine.memory import QUEUED_BATCHES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from napari_seamless.engine.stopwatch import Stopwatch

Batch = tuple[tuple[int, ...], ...]
FloatArray = np.ndarray[Any, np.dtype[np.float32]]


class Feed:
    r"""Iterate over (batch, voxels) while a thread reads the next ones.

    Parameters
    ----------
    batches : iterable of tuple of patch indices
        What to read, in order.
    read : callable
        Batch to (batch, channel, \\*patch) float32.
    watch : Stopwatch
        Counts reading as ``read`` and the consumer's waiting as ``wait``.
    """

    def __init__(self, batches: Iterable[Batch], read: Callable[[Batch], FloatArray], watch: Stopwatch) -> None:
        self._batches = batches
        self._read = read
        self._watch = watch
        self._queue: queue.Queue[tuple[Batch, FloatArray] | BaseException | None] = queue.Queue(QUEUED_BATCHES)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="seamless-read", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        while self._thread.is_alive():
            self._drop_one()
            self._thread.join(timeout=0.05)

    def __iter__(self) -> Iterator[tuple[Batch, FloatArray]]:
        while True:
            with self._watch.stage("wait"):
                item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def _work(self) -> None:
        try:
            for batch in self._batches:
                with self._watch.stage("read"):
                    voxels = self._read(batch)
                self._queue.put((batch, voxels))
                if self._stop.is_set():
                    return
            self._queue.put(None)
        except BaseException as error:  # noqa: BLE001  raised again in the consumer's thread, which waits for it
            self._queue.put(error)

    def _drop_one(self) -> None:
        try:
            self._queue.get_nowait()
        except queue.Empty:
            return
