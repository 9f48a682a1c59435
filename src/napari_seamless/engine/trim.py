"""Give memory back to the system that the C library keeps for later."""

from __future__ import annotations

import ctypes
import time
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 1.0


class Trimmer:
    """Asks the C library now and then to keep no freed memory; does nothing where it cannot be asked.

    glibc keeps what threads have freed, for each thread apart: with a memory budget, some hundred megabytes of nothing.

    Parameters
    ----------
    wanted : bool
        Whether to do anything at all: asking costs a few milliseconds, and pages that are used again must be cleared.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted and _malloc_trim() is not None
        self._last = time.monotonic()

    def __call__(self) -> None:
        """Ask, unless it was asked within the last second."""
        trim = _malloc_trim()
        if self._wanted and trim is not None and time.monotonic() - self._last > _SECONDS:
            trim(0)
            self._last = time.monotonic()


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # another C library, or another system
        return None
    return trim
