"""Steps of the work side by side, counted, and stopped when somebody asks for it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

from napari_seamless.engine.events import OnEvent, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_seamless.engine.control import Control

Item = TypeVar("Item")
Result = TypeVar("Result")


class Steps:
    """Run steps on threads, and tell after each how many of all are done.

    Parameters
    ----------
    total : int
        Steps that will come; an attribute, where more is known later.
    on_event : callable
        Told of the progress.
    control : Control
        Asked before each step.
    """

    def __init__(self, total: int, on_event: OnEvent, control: Control) -> None:
        self.total = total
        self._done = 0
        self._on_event = on_event
        self._control = control
        self._begin = time.perf_counter()

    @property
    def done(self) -> int:
        """Steps that are done."""
        return self._done

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return time.perf_counter() - self._begin

    def run(self, step: Callable[[Item], Result], items: Sequence[Item], threads: int) -> Iterator[Result]:
        """Do one step for each item, side by side; yield the results as they come.

        Raises
        ------
        RunCancelledError
            The control cancelled the work.
        Exception
            What a step raised; no other step begins after it.
        """

        def asked(item: Item) -> Result:
            self._control.checkpoint()
            return step(item)

        with ThreadPoolExecutor(threads, "seamless-distance") as pool:
            futures = [pool.submit(asked, item) for item in items]
            try:
                for future in as_completed(futures):
                    result = future.result()
                    self._done += 1
                    self._on_event(Progress(self._done, self.total, {"total": self.seconds}))
                    yield result
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
