"""Predictions on disk: written once, read through memory maps."""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from napari_seamless.errors import StorageError

FloatArray = np.ndarray[Any, np.dtype[np.float32]]

_SEGMENT_BYTES = 2**28
"""A file holds many predictions: a map of its own for each would be a file handle for each."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a prediction lies."""

    segment: int
    first: int
    shape: tuple[int, ...]


class Spill:
    """A folder of predictions, created on first use in the system's folder for temporary files, removed on close.

    One that nobody closes is removed with the object, or when the process ends.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._remove: weakref.finalize[..., Any] | None = None
        self._lengths: list[int] = []
        self._maps: dict[int, np.ndarray[Any, Any]] = {}
        self._lock = Lock()

    def check_room(self, n_bytes: int) -> None:
        """Refuse to begin where the disk will not hold what is to come.

        Raises
        ------
        StorageError
            The disk has less room.
        """
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if n_bytes > free:
            raise StorageError(
                f"The predictions of this region exceed their cache by {_mib(n_bytes)}, and the folder for temporary "
                f"files {tempfile.gettempdir()} has only {_mib(free)} left; choose a smaller region, raise "
                "cache_bytes, or set TMPDIR to a larger disk."
            )

    def save(self, values: FloatArray) -> Place:
        """Write a prediction.

        Raises
        ------
        StorageError
            The disk is full or cannot be written.
        """
        try:
            return self._append(np.ascontiguousarray(values))
        except OSError as error:
            raise StorageError(
                f"Predictions that exceed their cache cannot be written to {self._folder or tempfile.gettempdir()} "
                f"({error.strerror or error}); free disk space there, choose a smaller region or raise cache_bytes."
            ) from error

    def load(self, place: Place) -> FloatArray:
        """Return a prediction as a view of its file; do not write to it."""
        last = place.first + math.prod(place.shape)
        with self._lock:
            known = self._maps.get(place.segment)
            if known is None or known.size < last:
                known = np.memmap(self._path(place.segment), dtype=np.float32, mode="r")
                self._maps[place.segment] = known
        view: FloatArray = np.asarray(known[place.first : last]).reshape(place.shape)
        return view

    def close(self) -> None:
        """Remove the folder and everything in it."""
        with self._lock:
            self._maps.clear()
            self._lengths.clear()
            if self._remove is not None:
                self._remove()
            self._folder = self._remove = None

    def _append(self, values: FloatArray) -> Place:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=".seamless-tuning-"))
            self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        if not self._lengths or 4 * self._lengths[-1] >= _SEGMENT_BYTES:
            self._lengths.append(0)
        segment = len(self._lengths) - 1
        # not through the map: a full disk would end the process there
        with self._path(segment).open("ab") as file:
            file.write(values.data)
        place = Place(segment, self._lengths[segment], values.shape)
        self._lengths[segment] += values.size
        return place

    def _path(self, segment: int) -> Path:
        if self._folder is None:
            raise StorageError("The predictions are gone, because the tuner was closed; make a new one.")
        return self._folder / f"{segment}.f32"


def _mib(n_bytes: int) -> str:
    return f"{math.ceil(n_bytes / 2**20)} MiB"
