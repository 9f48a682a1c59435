"""Decoded chunks kept in memory, those used last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Index = tuple[int, ...]
Array = np.ndarray[Any, Any]


class ChunkCache:
    """The chunks used last, up to a number of bytes; safe to use from several threads.

    Parameters
    ----------
    load : callable
        Index of a chunk to its voxels. Threads that ask for one chunk at the same time load it once.
    budget_bytes : int
        Bytes of chunks that are kept; chunks that are being loaded come on top.

    Examples
    --------
    >>> cache = ChunkCache(lambda index: np.full(4, index[0]), budget_bytes=64)
    >>> [chunk.tolist() for _, chunk in cache.chunks([(7,), (8,)])], cache.n_bytes
    ([[7, 7, 7, 7], [8, 8, 8, 8]], 64)
    """

    def __init__(self, load: Callable[[Index], Array], budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._load = load
        self._kept: OrderedDict[Index, Array] = OrderedDict()
        self._loading: dict[Index, Future[Array]] = {}
        self._n_bytes = 0
        self._lock = threading.Lock()

    @property
    def n_bytes(self) -> int:
        """Bytes that are kept now."""
        return self._n_bytes

    def chunks(self, indices: Iterable[Index]) -> Iterator[tuple[Index, Array]]:
        """Yield each chunk, read-only, with its index; those that another thread is loading come last."""
        waiting = list(indices)
        while waiting:
            others: list[tuple[Index, Future[Array]]] = []
            for index in waiting:
                found = self._find(index)
                if isinstance(found, Future):
                    others.append((index, found))
                else:
                    yield index, self._fill(index) if found is None else found
            waiting = []
            for index, future in others:
                if future.exception() is None:
                    yield index, future.result()
                else:  # it failed for the other thread; here it is tried anew and fails, if it does, by itself
                    waiting.append(index)

    def _find(self, index: Index) -> Array | Future[Array] | None:
        """Return a chunk, or the promise of the thread that loads it, or None: then this thread has promised it."""
        with self._lock:
            if (chunk := self._kept.get(index)) is not None:
                self._kept.move_to_end(index)
                return chunk
            if (future := self._loading.get(index)) is not None:
                return future
            self._loading[index] = Future()
            return None

    def _fill(self, index: Index) -> Array:
        try:
            chunk = self._load(index).view()
        except BaseException as error:
            with self._lock:
                future = self._loading.pop(index)
            future.set_exception(error)
            raise
        chunk.flags.writeable = False
        with self._lock:
            self._keep(index, chunk)
            future = self._loading.pop(index)
        future.set_result(chunk)
        return chunk

    def _keep(self, index: Index, chunk: Array) -> None:
        self._kept[index] = chunk
        self._n_bytes += chunk.nbytes
        while self._n_bytes > self.budget_bytes:
            self._n_bytes -= self._kept.popitem(last=False)[1].nbytes
