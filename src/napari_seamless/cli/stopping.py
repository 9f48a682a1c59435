"""Ctrl-C and the signal to terminate, turned into a clean cancel."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.engine import Control

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """The signal that ended a run.

    Attributes
    ----------
    exit_code : int
        128 plus the number of the signal, as shells count; that of Ctrl-C while there was none.
    """

    def __init__(self) -> None:
        self.exit_code = 128 + signal.SIGINT


@contextmanager
def cancel_on_signals(control: Control) -> Iterator[Interruption]:
    """Cancel a run at the first Ctrl-C or termination signal; the second one acts as it always does.

    Parameters
    ----------
    control : Control
        Token of the run.

    Yields
    ------
    Interruption
        Filled in when a signal comes.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # only the main thread may listen to signals
        return
    before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def cancel(number: int, _: object) -> None:
        interruption.exit_code = 128 + number
        restore()
        control.cancel()
        # Straight to the descriptor: the stream may be in the middle of a write when the signal comes.
        os.write(2, b"\nStopping after the current batch; press Ctrl-C again to stop at once.\n")

    for number in _SIGNALS:
        signal.signal(number, cancel)
    try:
        yield interruption
    finally:
        restore()
