"""Python's cyclic garbage collector, kept on the main thread while other threads work."""

from __future__ import annotations

import gc

from qtpy.QtCore import QObject, QTimer

COLLECT_MS = 250


class MainThreadCollector(QObject):
    """Collects garbage from the event loop instead of from whichever thread allocates next.

    A removed layer or a closed window leaves Qt and OpenGL objects in reference cycles. Where a working thread happens
    to trigger the collection, they are deleted off the main thread, in the middle of a draw at worst, and the process
    crashes. Several workers may ask for it; the collector goes back to its usual ways when the last one is done.
    """

    _users = 0

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._active = False
        self._timer = QTimer(self)
        self._timer.setInterval(COLLECT_MS)
        self._timer.timeout.connect(self.collect)

    def begin(self) -> None:
        """Take over; harmless when it has been taken over already."""
        if self._active:
            return
        self._active = True
        if MainThreadCollector._users == 0:
            if not gc.isenabled():
                # Somebody else has chosen how to collect; leave it to them.
                self._active = False
                return
            gc.disable()
            # What is old already need not be searched again and again: that would block the window.
            gc.freeze()
        MainThreadCollector._users += 1
        self._timer.start()

    def end(self) -> None:
        """Give back; harmless when nothing was taken."""
        if not self._active:
            return
        self._active = False
        self._timer.stop()
        MainThreadCollector._users -= 1
        if MainThreadCollector._users == 0:
            gc.unfreeze()
            gc.enable()

    def collect(self) -> None:
        """Collect the oldest generation that is due, by the thresholds that Python itself uses."""
        due = [count > limit for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        for generation in (2, 1, 0):
            if due[generation]:
                gc.collect(generation)
                return
