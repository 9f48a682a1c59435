"""Threads side by side, and one of them alone when it must be."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gate:
    """Let threads in together, or one of them while all others are out.

    A thread must be out before it asks to be alone.

    Examples
    --------
    >>> gate = Gate()
    >>> with gate.together():
    ...     pass
    >>> with gate.alone():
    ...     pass
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._reserved = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """Stay inside with others; waits while somebody is alone or about to be."""
        with self._changed:
            self._changed.wait_for(lambda: not self._reserved)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Stay inside without others; waits until they have left, and keeps newcomers out meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._reserved)
            self._reserved = True
            self._changed.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            with self._changed:
                self._reserved = False
                self._changed.notify_all()
