"""How far the program's memory grows while something runs."""

from __future__ import annotations

import psutil
from qtpy.QtCore import QObject, QTimer

_EVERY_MS = 50


class MemoryWatch(QObject):
    """Looks at the resident memory from time to time."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process = psutil.Process()
        self._first = self._most = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._look)

    @property
    def growth(self) -> int:
        """Bytes by which the memory grew at most since the last start."""
        return self._most - self._first

    def start(self) -> None:
        """Begin anew."""
        self._first = self._most = self._process.memory_info().rss
        self._timer.start()

    def stop(self) -> None:
        """Look once more and rest."""
        if self._timer.isActive():
            self._look()
            self._timer.stop()

    def _look(self) -> None:
        self._most = max(self._most, self._process.memory_info().rss)
