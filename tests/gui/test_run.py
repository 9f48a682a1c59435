"""A person runs a segmentation by clicks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import zarr
from qtpy.QtWidgets import QPushButton
from tests.gui.hands import Threshold

from napari_seamless import samples
from napari_seamless._qt.state import Phase
from napari_seamless.models import demo_model

# Eight patches and eight chunks in most runs, each patch a fifth of a second.
PATCH, SLOW = 16, 0.2


def test_labels_grow_while_the_run_goes_on(make_hands, volume):
    hands = make_hands(volume, Threshold(SLOW))
    hands.choose_network()
    hands.tile(PATCH, chunk=PATCH)
    hands.until(lambda: hands.find("run").isEnabled())
    hands.click("run")
    hands.until(lambda: hands.result is not None)
    counts = [hands.nonzero()]
    while hands.dock.state.phase.busy:
        hands.qtbot.wait(20)
        counts.append(hands.nonzero())
    expected = volume > 0.5
    assert counts[0] < counts[-1] == np.count_nonzero(expected)
    # Patches are evaluated side by side, so that chunks finish in groups.
    assert len({count for count in counts if 0 < count < counts[-1]}) >= 2
    np.testing.assert_array_equal(hands.result.data, expected)
    assert hands.severity == "done"


def test_the_view_shows_what_was_written(make_hands, volume):
    hands = make_hands(volume, Threshold(SLOW))
    hands.choose_network()
    hands.tile(PATCH, chunk=PATCH)
    hands.viewer.dims.set_point(0, 0)
    hands.click("run")
    hands.until(lambda: hands.result is not None)
    # The first plane is complete after four of eight patches; the view must not wait for the last.
    hands.until(lambda: np.asarray(hands.result._slice.image.raw).any())
    assert hands.dock.state.phase.busy
    hands.click("cancel")
    hands.wait_idle()


def test_the_result_lies_where_the_volume_lies(make_hands, volume):
    hands = make_hands(volume, Threshold())
    image = hands.viewer.layers["cells"]
    hands.choose_network()
    hands.tile(PATCH)
    hands.click("run")
    hands.wait_idle()
    layer = hands.result
    np.testing.assert_allclose(layer.scale, image.scale)
    np.testing.assert_allclose(layer.translate, image.translate)
    assert layer.units == image.units
    assert layer.axis_labels == image.axis_labels
    assert "class: class 1" in layer._get_properties(np.argwhere(volume > 0.5)[0])


def test_pause_waits_and_resume_goes_on(make_hands, volume):
    network = Threshold(SLOW)
    hands = make_hands(volume, network)
    hands.choose_network()
    hands.tile(PATCH)
    hands.click("run")
    hands.until(lambda: hands.find("progress").value() >= 2)
    hands.click("pause")
    hands.qtbot.wait(round(1000 * SLOW) + 100)
    calls = network.calls
    hands.qtbot.wait(600)
    assert network.calls == calls
    assert hands.dock.state.phase is Phase.PAUSED
    assert hands.find("pause").text() == "Resume"
    hands.click("pause")
    hands.wait_idle()
    np.testing.assert_array_equal(hands.result.data, volume > 0.5)


def test_cancel_stops_within_one_batch(make_hands, volume):
    network = Threshold(SLOW)
    hands = make_hands(volume, network)
    hands.choose_network()
    hands.tile(PATCH)
    hands.wait_measured()
    network.calls = 0
    hands.click("run")
    hands.until(lambda: network.calls >= 3)
    before = network.calls
    hands.click("cancel")
    hands.wait_idle()
    assert network.calls <= before + 1
    assert "cancelled" in hands.message


def test_a_second_run_cannot_start_while_one_is_under_way(make_hands, volume):
    network = Threshold(SLOW)
    hands = make_hands(volume, network)
    hands.choose_network()
    hands.tile(PATCH)
    hands.wait_measured()
    network.calls = 0
    hands.click("run")
    assert not hands.find("run").isEnabled()
    hands.click("run")
    hands.dock.run()
    hands.wait_idle()
    assert network.calls == 8
    assert len(hands.viewer.layers) == 2


def test_estimates_are_shown_before_the_run(make_hands, volume):
    network = Threshold(0.05)
    hands = make_hands(volume, network)
    hands.choose_network()
    hands.tile(PATCH, overlap=0.5)
    tiles = hands.dock.run_view.tiles.values
    hands.wait_measured()
    assert tiles["patches"].text() == "27"  # starts 0, 8, 16 along each axis
    assert tiles["evaluations"].text() == f"{27 * 16**3 / 32**3:.1f} ×"
    assert float(tiles["time"].text().split()[1]) == pytest.approx(27 * 0.05, rel=0.6)
    assert hands.dock.tiling_view.step.text() == "step 8 voxels"


def test_timings_by_stage_are_shown_at_the_end(make_hands, volume):
    hands = make_hands(volume, Threshold(0.05))
    hands.choose_network()
    hands.tile(PATCH)
    hands.click("run")
    hands.wait_idle()
    seconds = hands.find("timings").seconds
    assert list(seconds) == ["read", "forward", "blend", "write"]
    assert seconds["forward"] >= 8 * 0.05
    bars = hands.find("timings")
    assert bars.isVisible()
    assert sum(bars.share(stage) for stage in seconds) == pytest.approx(1)
    assert "waited" in bars.toolTip()


def test_an_ome_zarr_grows_on_disk_and_in_the_viewer(make_hands, volume, tmp_path):
    hands = make_hands(volume, Threshold(SLOW))
    hands.choose_network()
    hands.tile(PATCH, chunk=PATCH)
    hands.type("outputPath", str(tmp_path / "out.zarr"))
    hands.click("run")
    hands.until(lambda: hands.result is not None)
    level = hands.result.data[0] if hands.result.multiscale else hands.result.data
    hands.until(lambda: np.asarray(level).any())
    assert hands.dock.state.phase.busy
    hands.wait_idle()
    np.testing.assert_array_equal(np.asarray(level), volume > 0.5)
    assert zarr.open(tmp_path / "out.zarr", mode="r").attrs["ome"]["version"] == "0.5"


def test_probabilities_become_one_layer_per_class(make_hands, volume):
    hands = make_hands(volume, Threshold())
    hands.choose_network()
    hands.tile(PATCH)
    hands.pick("write", "probabilities")
    hands.click("run")
    hands.wait_idle()
    assert [layer.name for layer in hands.viewer.layers[1:]] == ["cells probabilities class 1"]
    np.testing.assert_allclose(np.asarray(hands.viewer.layers[-1].data), volume, atol=1e-6)


def test_border_and_window_reach_the_plan(make_hands, volume):
    hands = make_hands(volume, Threshold())
    hands.choose_network()
    hands.pick("border", "adaptive")
    hands.pick("window", "constant")
    hands.tile(24)
    hands.until(lambda: hands.dock.tiling.job is not None and hands.dock.tiling.job.plan.patch_size == (24,) * 3)
    plan = hands.dock.tiling.job.plan
    assert (plan.border, plan.window.kind) == ("adaptive", "constant")
    assert plan.grids[0].sizes == (24, 8)


def test_each_axis_may_have_its_own_patch_size(make_hands, volume):
    hands = make_hands(volume, Threshold())
    hands.choose_network()
    hands.click("perAxis")
    for axis, size in enumerate((8, 16, 32)):
        hands.type(f"patch{axis}", str(size))
    hands.until(lambda: hands.dock.tiling.job is not None and hands.dock.tiling.job.plan.patch_size == (8, 16, 32))


def test_every_button_says_what_it_does(make_hands, volume):
    hands = make_hands(volume, Threshold())
    for button in hands.dock.findChildren(QPushButton):
        assert button.toolTip()


def test_the_demo_network_labels_a_piece_of_the_brain(make_hands):
    """With one patch for the whole piece the window's labels are those of the network itself."""
    image, _ = samples.brain()
    piece = np.asarray(image.data)[50:114, 60:124, 60:124]
    hands = make_hands(piece)
    hands.choose_network()
    hands.tile(64)
    hands.click("run")
    hands.wait_idle()
    scaled = (piece - piece.min()) / np.float32(int(piece.max()) - int(piece.min()))
    with torch.inference_mode():
        expected = demo_model()(torch.from_numpy(scaled.astype(np.float32))[None, None])[0].argmax(0).numpy()
    assert np.mean(hands.result.data == expected) > 0.999
    assert {"background", "white matter", "grey matter"} == set(hands.result.features["class"])
    assert set(np.unique(expected)) == {0, 1, 2}
