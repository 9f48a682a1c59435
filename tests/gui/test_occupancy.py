"""A person chooses an OSS-Net, watches it grow finer, and compares it with a network of patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from qtpy.QtCore import Qt
from tests.gui.hands import Threshold
from tests.models.oss_net.weights import small

from napari_seamless._qt.mesh import MeshDock
from napari_seamless.engine.occupancy import OccupancySettings, segment_occupancy
from napari_seamless.models.oss_net import save


@pytest.fixture(scope="session")
def network():
    return small("oss_net_full2_lits")[0]


@pytest.fixture(scope="session")
def network_file(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "net.safetensors"
    save(network, path)
    return path


@pytest.fixture
def image():
    return np.random.default_rng(0).random((20, 18, 22), dtype=np.float32)


@pytest.fixture
def hands(make_hands, image, network_file):
    made = make_hands(image, Threshold())
    made.dock.network.choose(str(network_file))
    made.until(lambda: made.dock.state.occupancy is not None)
    return made


def choose_patches(hands):
    hands.find("network").setFocus()
    hands.press("network", Qt.Key.Key_Up)
    hands.until(lambda: hands.dock.state.model is not None)


def result_of(hands):
    return [layer for layer in hands.viewer.layers if layer.name.endswith("occupancy")][-1]


def test_its_settings_take_the_place_of_those_of_patches(hands, network):
    view = hands.dock.occupancy.view
    assert view.isVisible()
    assert not hands.dock.tiling_view.isVisible()
    assert "as trained" in view.pooling.currentText()
    assert view.low_on.isEnabled()
    assert hands.find("run").isEnabled()
    choose_patches(hands)
    assert hands.dock.tiling_view.isVisible()
    assert not view.isVisible()
    assert hands.dock.state.occupancy is None


def test_a_run_is_what_the_engine_says_and_grows_in_one_layer(hands, image, network):
    expected = np.asarray(segment_occupancy(image, network, OccupancySettings(device="cpu")).array)
    before = len(hands.viewer.layers)
    hands.click("run")
    hands.wait_idle()
    assert hands.severity == "done", hands.message
    assert len(hands.viewer.layers) == before + 1
    layer = result_of(hands)
    np.testing.assert_array_equal(layer.data, expected)
    np.testing.assert_allclose(layer.scale, (2, 1, 1))
    (row,) = hands.dock.occupancy.compare.rows
    assert row.layer is layer
    assert row.seconds > 0


def test_results_stand_side_by_side_with_their_dice_and_become_meshes(hands, image):
    hands.viewer.add_labels((image > 0.5).astype(np.uint8), name="truth", scale=(2, 1, 1), units="um")
    hands.click("run")
    hands.wait_idle()
    choose_patches(hands)
    hands.tile(16)
    hands.until(lambda: hands.find("run").isEnabled())
    hands.click("run")
    hands.wait_idle()
    hands.press("compareTruth", Qt.Key.Key_Down)
    rows = hands.dock.occupancy.compare
    hands.until(lambda: all(row.dice is not None for row in rows.rows))
    assert [row.network.split()[0] for row in rows.rows] == ["OSS-Net", "patches"]
    assert rows.rows[1].dice == 1
    found, truth = np.asarray(rows.rows[0].layer.data) > 0, image > 0.5
    assert rows.rows[0].dice == pytest.approx(2 * (found & truth).sum() / (found.sum() + truth.sum()))
    assert hands.find("compareTable").item(1, 3).text() == "1.000"
    hands.click("compareMesh0")
    (dock,) = hands.viewer.window._qt_window.findChildren(MeshDock)
    assert dock.state.layer is rows.rows[0].layer


@pytest.mark.parametrize(
    ("stages", "text"), [("4, 3, 1", "stages must fall to 1"), ("few", "Stages must be whole numbers")]
)
def test_settings_that_cannot_be_are_one_sentence(hands, stages, text):
    hands.type("stages", stages)
    hands.click("run")
    assert text in hands.message
    assert hands.severity == "error"


def test_a_region_is_refused_rather_than_ignored(hands):
    hands.dock.state.change(region="z=0:5")
    hands.click("run")
    assert "clear the region" in hands.message


def test_nothing_found_is_a_warning(hands):
    hands.find("occupancyThreshold").setValue(1.0)
    hands.click("run")
    hands.wait_idle()
    assert "No voxel's occupancy exceeds" in hands.message
    assert hands.severity == "warning"


def test_pause_and_cancel(hands):
    hands.type("stages", "1")
    hands.click("run")
    hands.click("pause")
    assert hands.find("pause").text() == "Resume"
    hands.click("cancel")
    hands.wait_idle()
    assert "cancelled" in hands.message


def test_weights_that_fit_nothing_are_refused(hands, tmp_path):
    torch.save({"decoder.final_mapping.0.weight": torch.zeros(2)}, tmp_path / "odd.pt")
    hands.dock.network.choose(str(tmp_path / "odd.pt"))
    hands.until(lambda: hands.severity == "error")
    assert "fit none of the 24 published settings" in hands.message
