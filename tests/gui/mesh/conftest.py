"""A real viewer with the dock of meshes in it."""

from __future__ import annotations

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from tests.gui.mesh.mesh_hands import SPACING, TRANSLATION, MeshHands

from napari_seamless._qt.mesh import MeshDock
from napari_seamless.engine.mesh import MeshSettings, make_meshes


@pytest.fixture(autouse=True)
def no_notifications():
    """Fail where napari had to show an error of ours."""
    before = len(notification_manager.records)
    yield
    assert [str(n) for n in notification_manager.records[before:]] == []


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Compile the loops before anybody waits for a window; kept between runs, but not in a fresh checkout."""
    block = np.pad(np.ones((6, 6, 6), np.uint8), 2)
    for kind in ("labels", "probabilities"):
        settings = MeshSettings(kind=kind, max_error=0.3, min_volume=1, values={"block": block})
        make_meshes(block.astype(np.uint8 if kind == "labels" else np.float32), settings)


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
