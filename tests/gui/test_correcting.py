"""A person paints what a network gets wrong and refines it."""

from __future__ import annotations

import numpy as np
import zarr
from qtpy.QtCore import Qt
from tests.gui.correcting import Learner, paint_both

from napari_seamless._qt.state import Phase
from napari_seamless.engine import segment
from napari_seamless.models import load_model, load_performance


def test_strokes_are_on_the_disk_within_a_second(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    hands.start(tmp_path / "a.corrections.zarr")
    hands.click("class1")
    assert hands.paint_layer.mode == "paint"
    hands.stroke((20, 30), (20, 40))
    painted = np.asarray(hands.paint_layer.data[10])
    assert set(np.unique(painted)) == {0, 2}
    hands.qtbot.wait(1000)
    stored = zarr.open_array(tmp_path / "a.corrections.zarr", mode="r")
    np.testing.assert_array_equal(stored[10], painted)
    assert int(hands.dock.paint_view.counts[1].text()) == (painted == 2).sum() > 50
    assert hands.dock.paint_view._remark.text() == "saved"


def test_refining_makes_it_better_and_undo_goes_back(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    hands.start(tmp_path / "a.corrections.zarr")
    before = np.asarray(segment(halves, hands.session.refiner.network(), patch_size=24).array)
    assert not before.any()
    paint_both(hands)
    hands.type("learningRate", "0.1")
    hands.learn(steps=60)
    hands.wait_learnt()
    assert hands.severity == "done", hands.message
    after = np.asarray(segment(halves, hands.session.refiner.network(), patch_size=24).array)
    assert (after == (halves > 0.5)).mean() > 0.95
    correcting = hands.dock.correcting
    assert [state.number for state in correcting.states] == [0, 1]
    assert correcting.current == 1
    assert correcting.losses[-1].painted < correcting.losses[0].painted
    hands.until(lambda: correcting.dice.get(1, 0) > 0.95)
    view = hands.dock.performance_view
    assert set(view.profiles.profiles) == {"z", "y", "x"}
    states = hands.find("states")
    states.setCurrentItem(states.topLevelItem(1))
    hands.click("goBack")
    hands.until(lambda: correcting.current == 0)
    again = np.asarray(segment(halves, hands.session.refiner.network(), patch_size=24).array)
    np.testing.assert_array_equal(again, before)


def test_stop_keeps_the_best_and_the_network_is_saved(make_correct_hands, halves, tmp_path, monkeypatch):
    hands = make_correct_hands(halves, Learner())
    hands.start(tmp_path / "a.corrections.zarr")
    paint_both(hands)
    hands.type("learningRate", "0.1")
    hands.learn(steps=10**6)
    hands.until(lambda: len(hands.dock.correcting.losses) >= 2)
    assert hands.dock.state.phase is Phase.RUNNING
    hands.click("stop")
    hands.wait_learnt()
    assert hands.message.startswith("Stopped after ")
    path = tmp_path / "better.pt"
    monkeypatch.setattr("napari_seamless._qt.correcting.states_controller.choose_network_output", lambda *_: str(path))
    hands.click("saveNetwork")
    hands.until(lambda: hands.message.startswith("The network is saved"))
    saved = load_model(path)
    wanted = segment(halves, hands.session.refiner.network(), patch_size=24).array
    np.testing.assert_array_equal(segment(halves, saved, patch_size=24).array, wanted)
    assert load_performance(path)["measure"] == "error_rate"


def test_the_preview_shows_the_slice_in_sight(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    hands.start(tmp_path / "a.corrections.zarr")
    hands.click("preview")
    hands.until(lambda: "refined preview" in hands.viewer.layers)
    layer = hands.viewer.layers["refined preview"]
    assert layer.data.shape[0] == 1
    assert layer.translate[0] == 20
    assert not layer.data.any()
    paint_both(hands)
    hands.type("learningRate", "0.1")
    hands.learn(steps=60)
    hands.wait_learnt()
    hands.until(lambda: bool(layer.data.any()))
    shown = hands.dock.preview.layer.box
    np.testing.assert_array_equal(layer.data, (halves > 0.5)[shown.slices])
    hands.viewer.dims.set_point(0, 2 * 4)
    hands.until(lambda: layer.translate[0] == 8)
    hands.click("preview")
    assert "refined preview" not in hands.viewer.layers


def test_a_network_from_nothing_learns_from_scribbles(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves)
    hands.pick("correctNetwork", "New")
    hands.until(lambda: hands.dock.state.model is not None)
    hands.type("scratchClasses", "3")
    hands.until(lambda: len(hands.dock.state.model.spec.classes) == 3)
    hands.type("correctFolder", str(tmp_path / "a.corrections.zarr"))
    hands.open()
    assert [hands.find(f"class{i}").text() for i in range(3)] == ["background", "class 1", "class 2"]
    assert hands.find("rehearsal").value() == 0
    paint_both(hands)
    hands.type("learningRate", "0.003")
    hands.learn(steps=25)
    hands.wait_learnt()
    assert hands.severity == "done", hands.message
    after = np.asarray(segment(halves, hands.session.refiner.network(), patch_size=24).array)
    assert (after == (halves > 0.5)).mean() > 0.9


def test_corrections_and_states_are_opened_again(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    folder = tmp_path / "a.corrections.zarr"
    hands.start(folder)
    paint_both(hands)
    hands.learn()
    hands.wait_learnt()
    painted, weights = np.asarray(hands.paint_layer.data[10]), hands.session.refiner.network().network.mix.weight
    hands.find("correctFolder").clear()
    assert hands.session is None
    assert not hands.paint_layer.editable
    hands.type("correctFolder", str(folder))
    hands.open()
    assert [layer.name for layer in hands.viewer.layers].count("Corrections") == 1
    np.testing.assert_array_equal(hands.paint_layer.data[10], painted)
    assert hands.paint_layer.editable
    assert hands.dock.correcting.current == 1
    np.testing.assert_array_equal(hands.session.refiner.network().network.mix.weight, weights)


def test_the_network_goes_to_the_dock_that_segments(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    hands.start(tmp_path / "a.corrections.zarr")
    hands.click("segmentWith")
    dock = hands.dock.segment_dock()
    hands.until(lambda: dock.state.model is not None)
    assert dock.state.model.spec.sha256 == hands.session.refiner.network().spec.sha256
    assert dock.state.model.spec.name.endswith("refined")
    assert dock.state.layer == hands.viewer.layers["cells"]


def test_a_stroke_is_taken_back_by_naparis_undo(make_correct_hands, halves, tmp_path):
    hands = make_correct_hands(halves, Learner())
    hands.start(tmp_path / "a.corrections.zarr")
    hands.click("class1")
    hands.stroke((20, 10), (20, 20))
    assert hands.session.painting[10].any()
    canvas = hands.viewer.window._qt_viewer.canvas.native
    hands.qtbot.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    hands.until(lambda: not hands.session.painting[10].any())
    hands.until(lambda: hands.dock.paint_view.counts[1].text() == "0")
