"""What every dock does: it follows the theme, and ends with its window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import napari
from qtpy.QtCore import QSize
from qtpy.QtWidgets import QApplication, QWidget

from napari_seamless._qt.theme import Palette, palette, style_sheet
from napari_seamless._qt.window_watch import WindowWatch

_PLOT_COLORS = ("read", "forward", "blend", "write", "text", "muted", "field", "accent", "done")


class AnyDock(QWidget):
    """A dock that is taken down once, however it or its window goes.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme it follows.
    name : str
        By which its style sheet finds it.
    height : int
        That shows every step on a common screen.
    """

    def __init__(self, viewer: napari.Viewer, name: str, height: int = 860) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setMinimumWidth(320)
        self.viewer, self._height = viewer, height
        self._closed = False

    def shut_down(self) -> None:
        """Let go of the viewer, end what goes on, and wait for the threads."""
        if self._closed:
            return
        self._closed = True
        self.viewer.events.theme.disconnect(self._paint)
        self._watch.stop()
        self._end()

    def sizeHint(self) -> QSize:
        """Return a size that shows every step on a common screen."""
        return QSize(360, self._height)

    def _begin(self, closing: Callable[..., None]) -> None:
        """Follow theme and window from now on.

        Parameters
        ----------
        closing : callable
            Ends what the dock started when Qt destroys it; must not keep the dock alive.
        """
        self._paint()
        self.viewer.events.theme.connect(self._paint)
        self._watch = WindowWatch(self, self.shut_down)
        self.destroyed.connect(closing)
        QApplication.instance().aboutToQuit.connect(self.shut_down)

    def _paint(self, *_: object) -> None:
        colors = palette(self.viewer.theme)
        self.setStyleSheet(style_sheet(colors, self.objectName()))
        self._color(colors)

    def _color(self, colors: Palette) -> None:
        """Give the colours of the theme to what draws itself."""

    def _end(self) -> None:
        """Close the controllers and the worker; called once."""


def plot_colors(colors: Palette) -> dict[str, Any]:
    """Return what plots and bars draw with, by name."""
    return {name: getattr(colors, name) for name in _PLOT_COLORS}
