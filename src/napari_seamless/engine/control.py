"""Cancel and pause, from any thread."""

from __future__ import annotations

import threading

from napari_seamless.errors import RunCancelledError


class Control:
    """A token that a run asks between two batches.

    Examples
    --------
    >>> control = Control()
    >>> control.pause()
    >>> control.paused
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._running = threading.Event()
        self._running.set()

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to end."""
        return self._cancelled.is_set()

    @property
    def paused(self) -> bool:
        """Whether the run was asked to wait."""
        return not self._running.is_set()

    def cancel(self) -> None:
        """Ask the run to end after the current batch; a paused run ends too."""
        with self._lock:
            self._cancelled.set()
            self._running.set()

    def pause(self) -> None:
        """Ask the run to wait after the current batch."""
        # one lock for both: a cancel between the two lines would leave the run waiting for ever
        with self._lock:
            if not self.cancelled:
                self._running.clear()

    def resume(self) -> None:
        """Let a paused run go on."""
        self._running.set()

    def checkpoint(self) -> None:
        """Wait while paused.

        Raises
        ------
        RunCancelledError
            The run was cancelled.
        """
        self._running.wait()
        if self.cancelled:
            raise RunCancelledError("The run was cancelled; the chunks that were finished are kept.")
