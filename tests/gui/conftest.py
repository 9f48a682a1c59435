"""A real viewer with the dock in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.gui.correcting import CorrectHands
from tests.gui.hands import SHAPE, Hands, core_with

from napari_seamless._qt import SegmentDock
from napari_seamless._qt.correcting import CorrectDock
from napari_seamless.training import refine_loop

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.gui)


@pytest.fixture
def volume() -> np.ndarray:
    """Half of the voxels are above 0.5, in every patch."""
    return np.random.default_rng(0).random(SHAPE, dtype=np.float32)


@pytest.fixture
def no_threads_left() -> Iterator[None]:
    """Fail where a thread of the window outlives it."""
    yield
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("napari-seamless")]
    assert not left


@pytest.fixture
def make_hands(no_threads_left: None, make_napari_viewer: Any, qtbot: Any) -> Callable[..., Hands]:
    """Open a viewer with an image and the dock; ``demo`` in the list of networks is the given module."""

    def make(image: np.ndarray | None = None, network: Any = None, *, show: bool = True) -> Hands:
        viewer = make_napari_viewer(show=show, strict_qt="raise")
        if image is not None:
            viewer.add_image(image, name="cells", scale=(2, 1, 1), units="um", axis_labels=("z", "y", "x"))
        dock = SegmentDock(viewer, core=core_with(network))
        viewer.window.add_dock_widget(dock, name="Segment volume", area="right")
        # A small canvas is drawn quickly in software.
        viewer.window.resize(900, 700)
        return Hands(qtbot, viewer, dock)

    return make


@pytest.fixture
def nobody_paints():
    """Fail where the thread of a painting outlives the window."""
    yield
    assert not [thread.name for thread in threading.enumerate() if thread.name == "seamless-corrections"]


@pytest.fixture
def halves() -> np.ndarray:
    """Dark on the left, bright on the right."""
    image = np.random.default_rng(0).random((24, 48, 48), dtype=np.float32) * 0.2
    image[..., 24:] += 0.8
    return image


@pytest.fixture
def make_correct_hands(no_threads_left, nobody_paints, make_napari_viewer, qtbot, monkeypatch):
    monkeypatch.setattr(refine_loop, "TELL_S", 0.02)

    def make(image=None, network=None) -> CorrectHands:
        viewer = make_napari_viewer(show=True, strict_qt="raise")
        if image is not None:
            viewer.add_image(image, name="cells", scale=(2, 1, 1), units="um", axis_labels=("z", "y", "x"))
        dock = CorrectDock(viewer, core=core_with(network))
        viewer.window.add_dock_widget(dock, name="Correct and refine", area="right")
        viewer.window.resize(1000, 700)
        viewer.dims.set_point(0, 2 * 10)
        return CorrectHands(qtbot, viewer, dock)

    return make
