"""A real viewer with the dock of meshes in it."""

from __future__ import annotations

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from tests.gui.mesh.mesh_hands import SPACING, TRANSLATION, MeshHands

from napari_seamless._qt.mesh import MeshDock


@pytest.fixture(autouse=True)
def no_notifications():
    """Fail where napari had to show an error of ours."""
    before = len(notification_manager.records)
    yield
    assert [str(n) for n in notification_manager.records[before:]] == []


@pytest.fixture
def labels() -> np.ndarray:
    """Three blocks of different sizes; the largest has the lowest number."""
    array = np.zeros((12, 24, 20), np.uint8)
    array[2:9, 2:14, 3:12] = 1
    array[3:8, 16:20, 5:12] = 3
    array[4:6, 16:19, 15:18] = 12
    return array


@pytest.fixture
def make_mesh_hands(no_threads_left, make_napari_viewer, qtbot):
    def make(labels=None, *, show=False, preview=False, **arguments) -> MeshHands:
        viewer = make_napari_viewer(show=show, strict_qt="raise")
        if labels is not None:
            chosen = {"name": "cells", "scale": SPACING, "translate": TRANSLATION, "units": "um"}
            viewer.add_labels(labels, axis_labels=("z", "y", "x"), **(chosen | arguments))
        dock = MeshDock(viewer)
        viewer.window.add_dock_widget(dock, name="Meshes", area="right")
        viewer.window.resize(1000, 960)
        hands = MeshHands(qtbot, viewer, dock)
        if not preview:
            hands.quiet()
        return hands

    return make
