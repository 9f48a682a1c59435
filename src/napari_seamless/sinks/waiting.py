"""Finished chunks that wait for the rest of their shard."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from napari_seamless.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Index = tuple[int, ...]


class WaitingChunks:
    """Encoded chunks in memory up to a limit, and beyond it in a scratch folder that is made on first use.

    Parameters
    ----------
    output : pathlib.Path
        What the chunks are for: the folder is made beside it.
    limit : int
        Bytes in memory.
    """

    def __init__(self, output: Path, limit: int) -> None:
        self._output = output.absolute()
        self._limit = limit
        self._lock = Lock()
        self._bytes = 0
        self._sizes: dict[Index, tuple[int, ...]] = {}
        self._held: dict[Index, tuple[bytes, ...]] = {}
        self._folder: Path | None = None
        self._remove: weakref.finalize[Any, Any] | None = None

    def put(self, index: Index, levels: tuple[bytes, ...]) -> None:
        """Keep the bytes of a chunk, one part for each pyramid level.

        Raises
        ------
        StorageError
            The disk is full or cannot be written.
        """
        sizes = tuple(map(len, levels))
        with self._lock:
            self._sizes[index] = sizes
            if self._bytes + sum(sizes) <= self._limit:
                self._bytes += sum(sizes)
                self._held[index] = levels
                return
        with self._telling():
            self._path(index).write_bytes(b"".join(levels))

    def size(self, index: Index, level: int) -> int | None:
        """Return the bytes of a chunk in a level; None for a chunk that is not here."""
        sizes = self._sizes.get(index)
        return None if sizes is None else sizes[level]

    def get(self, index: Index, level: int) -> bytes | None:
        """Return a chunk's part of a level; None for a chunk that is not here."""
        sizes = self._sizes.get(index)
        if sizes is None:
            return None
        held = self._held.get(index)
        if held is not None:
            return held[level]
        with self._telling(), self._path(index).open("rb") as file:
            file.seek(sum(sizes[:level]))
            return file.read(sizes[level])

    def drop(self, index: Index) -> None:
        """Forget a chunk that is stored."""
        with self._lock:
            sizes = self._sizes.pop(index, None)
            if self._held.pop(index, None) is not None and sizes is not None:
                self._bytes -= sum(sizes)
                return
        if sizes is not None:
            self._path(index).unlink(missing_ok=True)

    def close(self) -> None:
        """Forget all chunks and remove the folder."""
        with self._lock:
            self._sizes.clear()
            self._held.clear()
            self._bytes = 0
            if self._remove is not None:
                self._remove()
            self._folder = None

    def _path(self, index: Index) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix=scratch_prefix(self._output), dir=self._output.parent))
                # also where a run fails and nobody closes
                self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder / "-".join(map(str, index))

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"Finished chunks that wait for their shard do not fit into {self._folder or self._output.parent} "
                f"({error.strerror or error}); free disk space there, or choose smaller shards."
            ) from error


def scratch_prefix(output: Path) -> str:
    """Return how the names of scratch folders beside an output begin; stale ones are found by it."""
    return f".{output.name}-scratch-"
