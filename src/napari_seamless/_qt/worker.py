"""The one place where threads and Qt meet: work goes out on plain threads, answers come back through one queue."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer

from napari_seamless._qt.collector import MainThreadCollector
from napari_seamless.errors import SeamlessError

POLL_MS = 25
DRAIN_SECONDS = 0.01
"""Longest time spent on answers before the event loop gets its turn again."""

_log = logging.getLogger(__name__)


class Worker(QObject):
    """Runs functions on plain threads and hands what they post to the main thread, in order.

    Nothing of Qt or napari is touched off the main thread: threads only call `post`, a timer drains the queue.
    The timer runs while there is something to wait for.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = True
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._drain)
        self._collector = MainThreadCollector(self)

    def start(
        self,
        work: Callable[[], Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Exception], None],
        name: str = "work",
        patience: float = 0.0,
    ) -> None:
        """Run `work` on a thread; exactly one of the two functions hears its end, on the main thread.

        What ends within `patience` seconds is heard at once, before this function returns: what a person has changed
        and what follows from it are then drawn together.
        """

        def body() -> None:
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - the boundary of a job: every end must be told
                if not isinstance(error, SeamlessError):
                    _log.debug("unexpected error in %s", name, exc_info=error)
                self.post(on_error, error.with_traceback(None))
            else:
                self.post(on_result, result)

        thread = threading.Thread(target=body, name=f"napari-seamless {name}", daemon=True)
        self._threads.append(thread)
        self._collector.begin()
        thread.start()
        self._timer.start()
        if patience:
            thread.join(patience)
            if not thread.is_alive():
                self._drain()

    def post(self, handle: Callable[..., None], *values: Any) -> None:
        """Have the main thread call ``handle(*values)``; safe from any thread."""
        self._queue.put((handle, values))

    @property
    def busy(self) -> bool:
        """Whether a thread is alive or an answer waits."""
        return any(thread.is_alive() for thread in self._threads) or not self._queue.empty()

    def close(self, timeout: float = 10.0) -> None:
        """Deliver nothing more and wait for the threads to end, at most `timeout` seconds."""
        self._open = False
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._threads.clear()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._collector.end()

    def _drain(self) -> None:
        """Deliver what has come, for a bounded time."""
        until = time.perf_counter() + DRAIN_SECONDS
        while self._open and time.perf_counter() < until:
            try:
                handle, values = self._queue.get_nowait()
            except queue.Empty:
                break
            handle(*values)
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if not self._open or not self.busy:
            self._timer.stop()
            self._collector.end()
