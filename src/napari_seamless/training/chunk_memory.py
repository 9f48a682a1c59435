"""Painted chunks in memory, and a thread that brings what has changed to the disk."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import StorageError
from napari_seamless.training.chunk_files import unwritable

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_seamless.training.chunk_files import ChunkFiles, Index

Array = np.ndarray[Any, Any]

WAIT_S = 0.25
"""From the first change to its writing: strokes follow each other, and a chunk need not be written for each."""
RETRY_S = 2.0
"""From a write that failed to the next attempt."""
BUDGET_BYTES = 256 * 2**20
"""Chunks that are kept although they are on the disk already."""


class ChunkMemory:
    """Chunks as they are now; changed ones stay in memory until they are on the disk.

    Parameters
    ----------
    files : ChunkFiles
        Where they come from and go to.
    on_error : callable
        Told, from the writing thread, when what was painted cannot be written; once, until it can be again.
    budget_bytes : int
        Bytes of unchanged chunks that are kept.
    """

    def __init__(
        self, files: ChunkFiles, on_error: Callable[[StorageError], None], budget_bytes: int = BUDGET_BYTES
    ) -> None:
        self.lock = threading.RLock()
        """Held while a chunk that `read` or `change` returned is used."""
        self.version = 0
        """Grows with every change."""
        self.painted = set(files.present)
        """Indices of the chunks that may hold paint; no other one does. Hold `lock` to go through it."""
        self._files = files
        self._on_error = on_error
        self._room = max(1, budget_bytes // (math.prod(files.canvas.chunk) * files.canvas.dtype.itemsize))
        self._held: OrderedDict[Index, Array] = OrderedDict()
        self._counts: dict[Index, Array] = {}
        self._changed: dict[Index, None] = {}
        self._on_its_way: Index | None = None
        self._one_writer = threading.Lock()
        self._failure: StorageError | None = None
        self._wake, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._save_changes, name="seamless-corrections", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> StorageError | None:
        """Why the last attempt to write failed; None where it did not."""
        return self._failure

    @property
    def n_unsaved(self) -> int:
        """Chunks that are not on the disk as they are now."""
        return len(self._changed) + (self._on_its_way is not None)

    @property
    def n_held(self) -> int:
        """Chunks in memory."""
        return len(self._held)

    def read(self, index: Index) -> Array:
        """Return a chunk itself; hold `lock`."""
        chunk = self._held.get(index)
        if chunk is None:
            chunk = self._held[index] = self._files.read(index)
            self._shrink()
        self._held.move_to_end(index)
        return chunk

    def change(self, index: Index) -> Array:
        """Return a chunk itself, which is going to change; hold `lock`."""
        chunk = self.read(index)
        self.version += 1
        self.painted.add(index)
        self._counts.pop(index, None)
        self._changed[index] = None
        self._wake.set()
        return chunk

    def counts(self, index: Index) -> Array:
        """Return how many voxels of a chunk have each value, int64 by value; those of 0 are not counted."""
        with self.lock:
            found = self._counts.get(index)
            if found is None:
                chunk = self.read(index)
                found = self._counts[index] = np.bincount(chunk[chunk != 0], minlength=1)
            return found

    def flush(self) -> None:
        """Write what has changed so far.

        Raises
        ------
        StorageError
            Something cannot be written; it stays in memory.
        """
        with self._one_writer:
            with self.lock:
                waiting = list(self._changed)
            for index in waiting:
                self._write(index)
            self._failure = None

    def end(self) -> None:
        """Stop writing, whether or not something is left to write."""
        self._ending.set()
        self._wake.set()
        self._thread.join()

    def _write(self, index: Index) -> None:
        with self.lock:
            del self._changed[index]
            self._on_its_way = index  # it stays in memory: the file is still the old one
            copy = self._held[index].copy()
        try:
            self._files.write(index, copy)
        except OSError as error:
            self._failure = unwritable(self._files.folder, error)
            with self.lock:
                self._changed[index] = None
            raise self._failure from error
        finally:
            with self.lock:
                self._on_its_way = None
                self._shrink()
        with self.lock:
            if index not in self._changed and not copy.any():
                self.painted.discard(index)

    def _shrink(self) -> None:
        """Let go of the chunks that were used longest ago, but for those that are not on the disk."""
        excess = len(self._held) - self._room
        for index in list(self._held)[:-1] if excess > 0 else ():
            if excess <= 0:
                break
            if index not in self._changed and index != self._on_its_way:
                del self._held[index]
                excess -= 1

    def _save_changes(self) -> None:
        while self._wake.wait() and not self._ending.wait(WAIT_S):
            self._wake.clear()
            known = self._failure
            try:
                self.flush()
            except Exception as error:  # noqa: BLE001  a thread that ended would lose the rest without a word
                failure = error if isinstance(error, StorageError) else StorageError(f"Not saved: {error}.")
                self._failure = failure
                if known is None:
                    self._on_error(failure)
                self._ending.wait(RETRY_S)
                self._wake.set()
