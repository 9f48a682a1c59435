"""Notices when a dock was closed, or the window around it."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget


class WindowWatch(QObject):
    """Calls a function once a dock has lost its window for good.

    Parameters
    ----------
    dock : QWidget
        What is watched.
    on_closed : callable
        May be called several times.
    """

    def __init__(self, dock: QWidget, on_closed: Callable[[], None]) -> None:
        super().__init__(dock)
        self._dock, self._on_closed = dock, on_closed
        self._window: QWidget | None = None
        self._on = True
        dock.installEventFilter(self)

    def stop(self) -> None:
        """Watch no longer."""
        self._on = False
        self._dock.removeEventFilter(self)
        if self._window is not None:
            self._window.removeEventFilter(self)
            self._window = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hear of the dock that moves, and of the main window that closes; a minimised one hides spontaneously."""
        kind = event.type()
        if not self._on:
            return False
        if watched is self._dock:
            if kind == QEvent.Type.ParentChange and self._dock.parent() is None and self._window is not None:
                self._on_closed()
            elif kind == QEvent.Type.Show and self._window is None:
                self._follow()
        elif watched is self._window and kind == QEvent.Type.Hide and not event.spontaneous():
            self._on_closed()
        return False

    def _follow(self) -> None:
        widget = self._dock.parentWidget()
        while widget is not None and widget.parentWidget() is not None:
            widget = widget.parentWidget()
        self._window = widget
        if widget is not None:
            widget.installEventFilter(self)
