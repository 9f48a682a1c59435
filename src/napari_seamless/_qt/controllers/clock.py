"""The time that a run has spent working, pauses left out."""

from __future__ import annotations

import time
from collections.abc import Callable


class RunClock:
    """Counts seconds of work since the first progress and extrapolates.

    Parameters
    ----------
    now : callable
        Seconds that never run backwards.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._begin: float | None = None
        self._first = 0
        self._paused_at: float | None = None
        self._paused = 0.0

    def pause(self) -> None:
        """Stop counting."""
        self._paused_at = self._now()

    def resume(self) -> None:
        """Go on counting."""
        if self._paused_at is not None:
            self._paused += self._now() - self._paused_at
            self._paused_at = None

    def left(self, done: int, total: int) -> float | None:
        """Return the seconds that are left at the pace since the first call; None before there is a pace."""
        if self._begin is None:
            self._begin, self._first = self._now(), done
            return None
        if done <= self._first:
            return None
        until = self._now() if self._paused_at is None else self._paused_at
        pace = (until - self._begin - self._paused) / (done - self._first)
        return max(0.0, pace * (total - done))
