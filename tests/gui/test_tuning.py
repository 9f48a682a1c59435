"""A person compares settings on a region."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from qtpy.QtCore import QPoint, Qt
from tests.gui.hands import Hands, Threshold, core_with

from napari_seamless._qt.state import Phase
from napari_seamless._qt.tuning import TuneDock
from napari_seamless.engine import segment
from napari_seamless.engine.tuning import Candidate
from napari_seamless.models import TorchModel
from napari_seamless.types import ModelSpec

PATCH = 16
REGION = "z=0:16,y=0:16,x=0:16"


class Rim(torch.nn.Module):
    """Class 1 where the voxel is above 0.5, but the rim of every patch says 0."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        inner = torch.zeros_like(batch)
        core = (..., *[slice(2, -2)] * 3)
        inner[core] = batch[core]
        return torch.cat([1 - inner, inner], dim=1)


class TuneHands(Hands):
    """Hands on the tuning dock."""

    def start(self, region: str = REGION) -> None:
        self.find("tuneNetwork").setFocus()
        self.press("tuneNetwork", Qt.Key.Key_Down)
        self.until(lambda: self.dock.state.model is not None)
        self.type("patch0", str(PATCH))
        self.type("region", region)

    def evaluate(self) -> None:
        self.click("evaluate")
        self.until(lambda: len(self.dock.tuning.points) >= 16 and self.dock.state.phase is Phase.IDLE)

    def layer(self, word: str):
        (found,) = [layer for layer in self.viewer.layers if layer.name.endswith(word)]
        return found

    def wait_drawn(self) -> None:
        live = self.dock.live
        self.until(lambda: not live._busy and not live._again and live._whole is not None)
        self.until(lambda: live._whole[0] == self.dock.tuning.candidate)


@pytest.fixture
def make_tune_hands(no_threads_left, make_napari_viewer, qtbot):
    def make(image=None, network=None, truth=None) -> TuneHands:
        viewer = make_napari_viewer(show=True, strict_qt="raise")
        if image is not None:
            viewer.add_image(image, name="cells", scale=(2, 1, 1), units="um", axis_labels=("z", "y", "x"))
        if truth is not None:
            viewer.add_labels(truth, name="reference", scale=(2, 1, 1), units="um", axis_labels=("z", "y", "x"))
        dock = TuneDock(viewer, core=core_with(network))
        viewer.window.add_dock_widget(dock, name="Tune overlap", area="right")
        viewer.window.resize(900, 700)
        viewer.dims.set_point(0, 2 * 5)
        return TuneHands(qtbot, viewer, dock)

    return make


def expected(volume: np.ndarray, candidate: Candidate, network: torch.nn.Module) -> np.ndarray:
    """What a run over the region stores."""
    options = {"overlap": candidate.overlap, "border": candidate.border, "window": candidate.shape.kind}
    return np.asarray(segment(volume, network, patch_size=PATCH, region="0:16,0:16,0:16", **options).array)


def test_the_slider_redraws_the_slice_from_what_is_there(make_tune_hands, volume, caplog):
    network = Rim()
    hands = make_tune_hands(volume, network)
    hands.start()
    hands.evaluate()
    hands.wait_drawn()
    calls = network.calls
    for steps, overlap in ((5, 0.75), (-15, 0.0), (10, 0.5)):
        for _ in range(abs(steps)):
            hands.press("tuneOverlap", Qt.Key.Key_Right if steps > 0 else Qt.Key.Key_Left)
        hands.until(lambda o=overlap: hands.dock.live._shown == Candidate((PATCH,) * 3, o))
        with caplog.at_level(logging.INFO):
            logging.getLogger(__name__).info("overlap %s drawn after %.3f s", overlap, hands.dock.live.seconds)
        wanted = expected(volume, hands.dock.tuning.candidate, Rim())
        np.testing.assert_array_equal(hands.layer("tuned labels").data[5], wanted[5])
    assert network.calls - calls <= 40, "settings on the lattice were evaluated again"


def test_result_and_seams_lie_where_the_region_does(make_tune_hands, volume):
    hands = make_tune_hands(volume, Rim())
    hands.start("z=16:32,y=0:16,x=8:24")
    hands.viewer.dims.set_point(0, 2 * 20)
    hands.evaluate()
    hands.wait_drawn()
    for word in ("tuned labels", "seams"):
        np.testing.assert_allclose(hands.layer(word).translate, (32, 0, 8))
        np.testing.assert_allclose(hands.layer(word).scale, (2, 1, 1))
    whole = np.asarray(segment(volume, Rim(), patch_size=PATCH, overlap=0.5, border="edge").array)
    np.testing.assert_array_equal(hands.layer("tuned labels").data, whole[16:32, 0:16, 8:24])
    assert hands.layer("seams").data.max() > 0.1


def test_other_slices_and_windows_are_drawn_too(make_tune_hands, volume):
    hands = make_tune_hands(volume, Rim())
    hands.start()
    hands.evaluate()
    hands.pick("tuneWindow", "hann")
    hands.viewer.dims.set_point(0, 2 * 9)
    hands.wait_drawn()
    wanted = expected(volume, Candidate((PATCH,) * 3, 0.5, "edge", "hann"), Rim())
    np.testing.assert_array_equal(hands.layer("tuned labels").data, wanted)


def test_what_is_missing_is_evaluated_in_the_background(make_tune_hands, volume):
    hands = make_tune_hands(volume, Rim())
    hands.start()
    hands.evaluate()
    hands.press("tuneOverlap", Qt.Key.Key_Right)
    candidate = hands.dock.tuning.candidate
    assert candidate.overlap == pytest.approx(0.55)
    hands.until(lambda: hands.dock.tuning.point() is not None)
    hands.wait_drawn()
    np.testing.assert_array_equal(hands.layer("tuned labels").data, expected(volume, candidate, Rim()))
    assert len(hands.dock.tuning.points) == 17


def test_a_click_on_the_curve_applies_its_setting(make_tune_hands, volume):
    hands = make_tune_hands(volume, Rim(), (volume > 0.5).astype(np.uint8))
    hands.start()
    hands.pick("truth", "reference")
    hands.evaluate()
    curve = hands.dock.curve_view.curve
    best = max(hands.dock.tuning.points, key=lambda point: point.dice)
    assert not best.is_proxy
    hands.dock.setting.apply(Candidate((PATCH,) * 3, 0.0))
    spot = curve.where(best)
    hands.qtbot.mouseClick(curve, Qt.MouseButton.LeftButton, pos=QPoint(round(spot.x()), round(spot.y())))
    chosen = hands.dock.tuning.candidate
    assert chosen.overlap == best.overlap
    assert hands.find("tuneOverlap").value() == round(best.overlap * 20)
    assert hands.find("tuneWindow").currentData() == chosen.shape.kind
    assert "Recommended" in hands.message


def test_cancel_keeps_what_was_evaluated(make_tune_hands, volume):
    network = Threshold(0.1)
    hands = make_tune_hands(volume, network)
    hands.start()
    hands.click("evaluate")
    hands.until(lambda: hands.dock.live._shown is not None)
    hands.click("tuneCancel")
    hands.until(lambda: hands.dock.state.phase is Phase.IDLE)
    assert "kept" in hands.message
    assert hands.layer("tuned labels").data.shape == (16, 16, 16)
    network.seconds = 0
    calls = network.calls
    hands.evaluate()
    patches = hands.dock.tuning.tuner.plan(Candidate((PATCH,) * 3, 0.75)).n_patches
    assert network.calls - calls < patches


def test_without_foreground_one_sentence_says_so(make_tune_hands):
    hands = make_tune_hands(np.zeros((32, 32, 32), np.float32), Threshold())
    hands.start()
    hands.click("evaluate")
    hands.until(lambda: hands.severity == "error")
    assert "nothing but background" in hands.message


@pytest.mark.parametrize("region", ["z=8:99", "nonsense"])
def test_a_region_that_makes_no_sense_is_said(make_tune_hands, volume, region):
    hands = make_tune_hands(volume, Threshold())
    hands.start(region)
    hands.click("evaluate")
    hands.until(lambda: hands.severity == "error")
    assert hands.dock.state.phase is Phase.IDLE


def test_a_reference_of_another_shape_is_said(make_tune_hands, volume):
    hands = make_tune_hands(volume, Threshold(), np.ones((8, 8, 8), np.uint8))
    hands.start()
    hands.pick("truth", "reference")
    hands.click("evaluate")
    hands.until(lambda: hands.severity == "error")
    assert "shape" in hands.message


def test_the_settings_go_to_the_dock_that_segments(make_tune_hands, volume):
    hands = make_tune_hands(volume, Rim())
    hands.start()
    hands.evaluate()
    hands.pick("tuneWindow", "triangle")
    hands.click("useSettings")
    dock = hands.dock.segment_dock()
    hands.until(lambda: dock.state.model is not None)
    values = dock.state.values
    assert (values["overlap"], values["border"], values["window"]) == (0.5, "edge", "triangle")
    assert values["patch_size"] == PATCH
    assert dock.state.layer == hands.viewer.layers["cells"]


def test_a_network_that_brings_a_patch_size_does_not_overrule_the_setting(make_tune_hands, volume):
    network = TorchModel(Rim(), ModelSpec(name="rim", n_spatial=3, patch_size=(24, 24, 24)))
    hands = make_tune_hands(volume, network)
    hands.start()
    hands.evaluate()
    hands.click("useSettings")
    dock = hands.dock.segment_dock()
    hands.until(lambda: dock.state.model is not None)
    hands.qtbot.wait(100)
    assert dock.state.values["patch_size"] == PATCH


def test_another_volume_drops_what_was_evaluated(make_tune_hands, volume):
    hands = make_tune_hands(volume, Rim())
    hands.start()
    hands.evaluate()
    hands.viewer.add_image(volume[:20], name="other")
    hands.pick("tuneLayer", "other")
    assert hands.dock.tuning.tuner is None
    assert hands.dock.tuning.points == ()
    assert "Evaluate" in hands.message
