"""Python's cyclic garbage collector, kept on the main thread while other threads work."""

from __future__ import annotations

import gc
from contextlib import suppress

from qtpy.QtCore import QObject, QTimer

COLLECT_MS = 250


class MainThreadCollector(QObject):
    """Collects garbage from the event loop instead of from whichever thread allocates next.

    A removed layer or a closed window leaves Qt and OpenGL objects in reference cycles. Where a working thread happens
    to trigger the collection, they are deleted off the main thread, in the middle of a draw at worst, and the process
    crashes. Several workers may ask for it; the collector goes back to its usual ways when the last one is done.
    """

    _users = 0
    _frozen = False

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._active = False
        self._timer = QTimer(self)
        self._timer.setInterval(COLLECT_MS)
        self._timer.timeout.connect(self.collect)

    def begin(self) -> None:
        """Take over; harmless when it has been taken over already."""
        if self._active or (MainThreadCollector._users == 0 and not gc.isenabled()):
            # Where the collector is off already, somebody else has chosen when to collect.
            return
        self._active = True
        if MainThreadCollector._users == 0:
            gc.disable()
            # What is old already need not be searched again and again: that would block the window.
            MainThreadCollector._frozen = gc.get_freeze_count() == 0
            if MainThreadCollector._frozen:
                gc.freeze()
        MainThreadCollector._users += 1
        self._timer.start()

    def end(self) -> None:
        """Give back; harmless when nothing was taken."""
        if not self._active:
            return
        self._active = False
        MainThreadCollector._users -= 1
        if MainThreadCollector._users == 0:
            if MainThreadCollector._frozen:
                gc.unfreeze()
            gc.enable()
        with suppress(RuntimeError):  # Qt has deleted the timer where the dock was destroyed
            self._timer.stop()

    def collect(self) -> None:
        """Collect the oldest generation that is due, by the thresholds that Python itself uses."""
        due = [count > limit for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        for generation in (2, 1, 0):
            if due[generation]:
                gc.collect(generation)
                return
