"""Busy time of each stage, from several threads."""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STAGES = ("read", "forward", "blend", "write", "wait")


class Stopwatch:
    """Add up seconds by stage."""

    def __init__(self) -> None:
        self._begin = time.perf_counter()
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._lock = Lock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time inside the block for a stage."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._seconds[name] += time.perf_counter() - begin

    def add(self, seconds: Mapping[str, float]) -> None:
        """Count seconds by stage, such as those of a worker's stopwatch; other names are left out."""
        with self._lock:
            for name in self._seconds.keys() & seconds.keys():
                self._seconds[name] += seconds[name]

    def seconds(self) -> dict[str, float]:
        """Return seconds by stage, and ``total`` as wall time since the start."""
        with self._lock:
            return {**self._seconds, "total": time.perf_counter() - self._begin}
