"""Cancel, pause, and say what is looked at, from any thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from napari_seamless.errors import RunCancelledError

if TYPE_CHECKING:
    from napari_seamless.types import Box


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
        self._in_sight: Box | None = None

    @property
    def in_sight(self) -> Box | None:
        """What is looked at, in voxels of the volume; None where nothing comes first."""
        return self._in_sight

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to end."""
        return self._cancelled.is_set()

    @property
    def paused(self) -> bool:
        """Whether the run was asked to wait."""
        return not self._running.is_set()

    def look_at(self, box: Box | None) -> None:
        """Ask the run to finish the chunks under a box of the volume first, from the next batch on.

        The result is the same; it can be asked for again and again while the run goes on. None asks for raster order.
        """
        self._in_sight = box

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
