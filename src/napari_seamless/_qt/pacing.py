"""Progress reaches the window a few times a second, however often the core tells it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from napari_seamless.engine.events import Measuring, Progress

PROGRESS_SECONDS = 0.2


def paced(tell: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return what passes events on, but progress no more often than `PROGRESS_SECONDS`, and always its end.

    Parameters
    ----------
    tell : callable
        Called in the thread that has the event.
    """
    last = 0.0

    def on_event(event: Any) -> None:
        nonlocal last
        if isinstance(event, Measuring | Progress):
            now = time.monotonic()
            if now - last < PROGRESS_SECONDS and event.done < event.total:
                return
            last = now
        tell(event)

    return on_event
