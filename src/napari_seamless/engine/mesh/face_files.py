"""Faces of all blocks, on disk until their label's turn comes."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_seamless.mesh import Faces

Array = np.ndarray[Any, Any]

_CROSSING = 6
_NONE = np.zeros(0, np.int64)


class FaceFiles:
    """Takes faces from several threads, and gives them back label by label.

    Parameters
    ----------
    folder : pathlib.Path
        An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys = (folder / "faces").open("w+b")
        self._crossings = (folder / "crossings").open("w+b")
        self._lock = threading.Lock()
        self._count = 0
        self._parts: list[tuple[Array, Array, Array]] = []
        self._index: tuple[Array, Array, Array] = (_NONE, _NONE, _NONE)

    def add(self, faces: Faces) -> None:
        """Store the faces of one block.

        Raises
        ------
        StorageError
            The disk is full.
        """
        if len(faces.keys) == 0:
            return
        with self._lock, self._telling():
            self._keys.write(faces.keys.data)
            if faces.crossings is not None:
                self._crossings.write(faces.crossings.data)
            counts = np.diff(faces.starts)
            self._parts.append((faces.labels.astype(np.uint64), faces.starts[:-1] + self._count, counts))
            self._count += len(faces.keys)

    def finish(self) -> tuple[Array, Array]:
        """Return the labels in rising order, (label,) uint64, and how many faces each has, (label,) int64.

        Raises
        ------
        StorageError
            The disk is full.
        """
        with self._telling():
            self._keys.flush()
            self._crossings.flush()
        empty = np.zeros(0, np.uint64), _NONE, _NONE
        labels, starts, counts = (np.concatenate(part) for part in zip(empty, *self._parts, strict=True))
        order = np.argsort(labels, kind="stable")
        labels, starts, counts = labels[order], starts[order], counts[order]
        known, first = np.unique(labels, return_index=True)
        first = np.append(first, len(labels))
        self._index = first, starts, counts
        self._parts.clear()
        totals = np.add.reduceat(counts, first[:-1]) if len(known) else counts
        return known, totals

    def read(self, number: int) -> tuple[Array, Array | None]:
        """Return the faces of the label at a place in the order, in any order, and their crossings if they have any."""
        first, starts, counts = self._index
        pieces = [(starts[i], counts[i]) for i in range(first[number], first[number + 1])]
        keys = np.concatenate([self._part(self._keys, np.int64, 1, a, n) for a, n in pieces])
        if self._crossings.tell() == 0:
            return keys, None
        parts = [self._part(self._crossings, np.float32, _CROSSING, a, n) for a, n in pieces]
        return keys, np.concatenate(parts).reshape(-1, _CROSSING)

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._keys, self._crossings):
            with suppress(OSError):  # what a full disk did not take is not needed any more
                file.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"What is found on the way cannot be stored in {self._folder.parent} ({error.strerror or error}); "
                "free disk space there, or choose another folder."
            ) from error

    @staticmethod
    def _part(file: Any, dtype: type, width: int, start: int, count: int) -> Array:
        size = np.dtype(dtype).itemsize * width
        return np.array(np.memmap(file, dtype, "r", int(start) * size, (int(count) * width,)))
