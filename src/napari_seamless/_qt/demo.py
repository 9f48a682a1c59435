"""The demo in a window: the brain, the network, and a run that has started."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtCore import QTimer
from qtpy.QtGui import QGuiApplication

from napari_seamless._qt.dock import SegmentDock

_SIZE = (1400, 900)
"""Pixels of the window on a screen that has them: all four steps are in sight."""
_SHOWN_PLANE = 20
"""World position in millimetres along z of an axial plane through the ventricles."""


def run_demo() -> None:
    """Open the demo and stay until the window is closed."""
    open_demo()
    napari.run()


def open_demo(viewer: Any = None) -> tuple[Any, SegmentDock]:
    """Open the brain and the dock in a viewer, and start the run as soon as the network is loaded.

    Parameters
    ----------
    viewer : napari.Viewer or None
        None opens a new one.

    Returns
    -------
    viewer : napari.Viewer
    dock : SegmentDock
    """
    if viewer is None:
        viewer = napari.Viewer(title="napari-seamless demo")
        screen = QGuiApplication.primaryScreen().availableGeometry()
        viewer.window.resize(min(_SIZE[0], screen.width()), min(_SIZE[1], screen.height()))
    image = viewer.open_sample("napari-seamless", "brain")[0]
    _, dock = viewer.window.add_plugin_dock_widget("napari-seamless", "Segment volume")
    viewer.scene.camera.orientation2d = ("up", "right")
    viewer.dims.set_point(0, _SHOWN_PLANE)
    viewer.reset_view()
    dock.choose(layer=image, model="demo")
    if dock.state.model is not None:
        _start_soon(dock)
        return viewer, dock

    def start(model: Any) -> None:
        if model is not None:
            dock.state.events.model.disconnect(start)
            _start_soon(dock)

    dock.state.events.model.connect(start)
    return viewer, dock


def _start_soon(dock: SegmentDock) -> None:
    """Start when everything else that listens to the choice of the network has heard of it."""
    QTimer.singleShot(0, dock.run)
