"""Layers come and go, and windows close, at any time."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox
from tests.gui.hands import Hands, Threshold

from napari_seamless.volume import open_volume

PATCH, SLOW = 16, 0.15


def running(make_hands, volume, network, output: str = "", *, show: bool = True) -> Hands:
    hands = make_hands(volume, network, show=show)
    hands.choose_network()
    hands.tile(PATCH, chunk=PATCH)
    if output:
        hands.type("outputPath", output)
    hands.click("run")
    hands.until(lambda: hands.result is not None)
    return hands


def names(hands: Hands) -> list[str]:
    combo: QComboBox = hands.find("layer")
    return [combo.itemText(i) for i in range(combo.count())]


def test_the_list_follows_the_layers(make_hands, volume):
    hands = make_hands(volume)
    assert names(hands) == ["cells"]
    other = hands.viewer.add_image(np.zeros((4, 5, 6)), name="other")
    hands.viewer.add_labels(np.zeros((4, 5, 6), int), name="not an image")
    assert names(hands) == ["cells", "other"]
    other.name = "renamed"
    assert names(hands) == ["cells", "renamed"]
    hands.pick("layer", "renamed")
    assert hands.dock.state.volume.shape == (4, 5, 6)
    hands.viewer.layers.remove(other)
    assert names(hands) == ["cells"]
    assert hands.dock.state.volume.shape == volume.shape


def test_facts_of_the_volume_are_shown(make_hands, volume):
    hands = make_hands(volume)
    assert hands.find("factShape").text() == "32 × 32 × 32  (z y x)"
    assert hands.find("factVoxel").text() == "2 × 1 × 1 µm"
    assert hands.find("factData").text() == "float32, 0.1 MiB, 1 level"


def test_renaming_while_running(make_hands, volume):
    hands = running(make_hands, volume, Threshold(SLOW))
    layer = hands.result
    hands.viewer.layers["cells"].name = "tissue"
    layer.name = "my result"
    hands.wait_idle()
    np.testing.assert_array_equal(layer.data, volume > 0.5)
    assert names(hands) == ["tissue"]


def test_removing_the_result_cancels_a_run_in_memory(make_hands, volume):
    network = Threshold(SLOW)
    hands = running(make_hands, volume, network)
    before = network.calls
    hands.viewer.layers.remove(hands.result)
    hands.wait_idle()
    assert network.calls <= before + 2
    assert hands.message == "The result's layer was removed, so the run was cancelled."


def test_removing_the_result_of_a_run_on_disk_lets_it_finish(make_hands, volume, tmp_path):
    hands = running(make_hands, volume, Threshold(SLOW), str(tmp_path / "out.zarr"))
    hands.viewer.layers.remove(hands.result)
    assert "goes on" in hands.message
    hands.wait_idle()
    assert hands.severity == "done"
    np.testing.assert_array_equal(open_volume(tmp_path / "out.zarr").data[:], volume > 0.5)


def test_removing_the_volume_lets_the_run_finish(make_hands, volume):
    # Not drawn: after a layer was removed, software OpenGL may crash in any napari window (napari issue 6472).
    hands = running(make_hands, volume, Threshold(SLOW), show=False)
    hands.viewer.layers.remove("cells")
    hands.wait_idle()
    np.testing.assert_array_equal(hands.result.data, volume > 0.5)
    assert not hands.find("run").isEnabled()


def test_closing_the_window_ends_the_run(make_hands, volume):
    network = Threshold(SLOW)
    hands = running(make_hands, volume, network)
    before = network.calls
    hands.viewer.close()
    assert not hands.dock.worker.busy
    assert network.calls <= before + 2


def delete(hands: Hands) -> None:
    """Delete a dock that has lost its window, as the last reference to it would."""
    hands.dock.deleteLater()
    hands.qtbot.wait(50)


def test_closing_the_dock_ends_the_run(make_hands, volume):
    network = Threshold(SLOW)
    hands = running(make_hands, volume, network)
    before = network.calls
    hands.viewer.window.remove_dock_widget(hands.dock)
    assert not hands.dock.worker.busy
    assert network.calls <= before + 2
    delete(hands)


def test_closing_the_dock_of_a_paused_run(make_hands, volume):
    hands = running(make_hands, volume, Threshold(SLOW))
    hands.click("pause")
    hands.viewer.window.remove_dock_widget(hands.dock)
    assert not hands.dock.worker.busy
    delete(hands)


def test_a_closed_dock_leaves_memory(make_hands, volume, qtbot):
    hands = make_hands(volume, Threshold())
    dock = weakref.ref(hands.dock)
    hands.viewer.window.remove_dock_widget(hands.dock)
    hands.dock.deleteLater()
    del hands.dock
    qtbot.wait(50)
    gc.collect()
    assert dock() is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_dock_follows_the_theme(make_hands, theme):
    from napari_seamless._qt.theme import palette

    hands = make_hands()
    hands.viewer.theme = theme
    assert palette(theme).background in hands.dock.styleSheet()


def test_a_finished_result_can_be_painted_on(make_hands, volume):
    hands = running(make_hands, volume, Threshold(SLOW))
    layer = hands.result
    assert not layer.editable
    hands.wait_idle()
    assert layer.editable
