"""Docks and windows close, and layers come and go, while a network is corrected."""

from __future__ import annotations

import gc
import time
import weakref

import dask.array as da
import numpy as np
import pytest
from tests.gui.correcting import CorrectHands, Learner, paint_both

from napari_seamless._qt.correcting import preview_controller
from napari_seamless._qt.correcting.session import default_folder, states_folder
from napari_seamless._qt.state import Phase
from napari_seamless.training.canvas import Canvas
from napari_seamless.training.history import History
from napari_seamless.training.painting import Painting
from napari_seamless.volume import open_volume


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(preview_controller, "PAUSE_MS", 50)


def refining(hands: CorrectHands, folder) -> None:
    hands.start(folder)
    paint_both(hands)
    hands.type("learningRate", "0.1")
    hands.click("preview")
    hands.learn(steps=10**6)
    hands.until(lambda: len(hands.dock.correcting.losses) >= 2)


def assert_kept(hands: CorrectHands, image: np.ndarray, folder) -> None:
    """Everything painted is on the disk, the folder is free, and the best weights are a state."""
    spec = hands.dock.state.model.spec
    canvas = Canvas.of(open_volume(image, axes=("z", "y", "x"), spacing=(2, 1, 1)), ("background", "class 1"))
    with Painting(folder, canvas) as painting:
        assert min(painting.n_painted.get(index, 0) for index in (0, 1)) > 50
    assert [state.number for state in History(states_folder(folder, spec)).states()] == [0, 1]


def test_closing_the_dock_while_refining(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    refining(hands, tmp_path / "a.corrections.zarr")
    hands.viewer.window.remove_dock_widget(hands.dock)
    assert not hands.dock.worker.busy
    assert not hands.paint_layer.editable
    assert_kept(hands, halves, tmp_path / "a.corrections.zarr")
    hands.dock.deleteLater()
    hands.qtbot.wait(50)


def test_closing_the_window_while_refining(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    refining(hands, tmp_path / "a.corrections.zarr")
    hands.viewer.close()
    assert not hands.dock.worker.busy
    assert_kept(hands, halves, tmp_path / "a.corrections.zarr")


def test_closing_the_dock_while_corrections_are_opened(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    hands.find("correctNetwork").setCurrentIndex(0)
    hands.dock.choose(model="demo", folder=str(tmp_path / "a.corrections.zarr"))
    hands.until(lambda: hands.dock.state.model is not None)
    hands.click("correctStart")
    hands.viewer.window.remove_dock_widget(hands.dock)
    assert not hands.dock.worker.busy
    hands.dock.deleteLater()
    hands.qtbot.wait(50)


def test_a_removed_layer_of_corrections_comes_back(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    hands.start(tmp_path / "a.corrections.zarr")
    paint_both(hands)
    painted = np.asarray(hands.paint_layer.data[10])
    hands.viewer.layers.remove("Corrections")
    hands.click("class0")
    np.testing.assert_array_equal(hands.paint_layer.data[10], painted)
    assert hands.viewer.layers.selection.active == hands.paint_layer


def test_removing_the_volume_closes_when_the_refinement_has_ended(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    refining(hands, tmp_path / "a.corrections.zarr")
    hands.click("preview")
    hands.dock.volume._on_removed(type("Event", (), {"value": hands.viewer.layers["cells"]})())
    hands.dock.state.volume = None
    assert hands.dock.state.phase is Phase.RUNNING
    assert hands.session is not None
    hands.click("stop")
    hands.until(lambda: hands.dock.state.phase is Phase.IDLE)
    hands.until(lambda: hands.session is None)
    assert_kept(hands, halves, tmp_path / "a.corrections.zarr")


def test_a_closed_dock_leaves_memory(make_correct_hands, halves, tmp_path, qtbot):
    hands = make_correct_hands(halves, Learner())
    hands.start(tmp_path / "a.corrections.zarr")
    dock = weakref.ref(hands.dock)
    hands.viewer.window.remove_dock_widget(hands.dock)
    hands.dock.deleteLater()
    del hands.dock
    qtbot.wait(50)
    gc.collect()
    assert dock() is None


def test_a_large_layer_stays_responsive_and_flat(make_correct_hands, tmp_path):
    shape = (3000, 1200, 1200)
    levels = [da.zeros([n // by for n in shape], np.uint8, chunks=(64, 256, 256)) for by in (1, 20)]
    hands = make_correct_hands(levels, Learner())
    hands.start(tmp_path / "a.corrections.zarr")
    hands.click("class1")
    layer, seconds = hands.paint_layer, []
    layer.brush_size = 100
    for x in range(200, 1000, 100):
        begin = time.perf_counter()
        layer.paint((10, 600, x), 2)
        seconds.append(time.perf_counter() - begin)
    assert sorted(seconds)[len(seconds) // 2] < 0.1
    assert hands.session.painting[10].any()
    hands.viewer.dims.ndisplay = 3
    assert not layer.visible, "napari would ask for four gigabytes"
    hands.viewer.dims.ndisplay = 2
    assert layer.visible


@pytest.mark.parametrize("source", [None, "https://example.org/brain.zarr", "/no/such/file.nii"])
def test_corrections_of_a_volume_without_a_path_lie_in_the_home_folder(source, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    volume = open_volume(np.zeros((4, 4)), name="cells: day 1/2", axes=("y", "x"))
    volume = type(volume)(name=volume.name, axes=volume.axes, levels=volume.levels, units=volume.units, source=source)
    assert default_folder(volume) == tmp_path / "napari-seamless" / "cells_ day 1_2.corrections.zarr"


def test_corrections_of_a_file_lie_beside_it(tmp_path):
    path = tmp_path / "cells.npy"
    np.save(path, np.zeros((4, 4, 4), np.uint8))
    assert default_folder(open_volume(path)) == tmp_path / "cells.corrections.zarr"
