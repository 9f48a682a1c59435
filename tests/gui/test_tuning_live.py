"""What the tuning dock shows while patches are evaluated, in 3D, and of the stages."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from qtpy.QtCore import Qt
from tests.gui.test_tuning import PATCH, Rim, expected, make_tune_hands  # noqa: F401  a fixture

from napari_seamless._qt.state import Phase
from napari_seamless._qt.tuning import live_controller, performance_controller
from napari_seamless._qt.views.profile_plot import known_parts
from napari_seamless.engine.tuning import Candidate


class Held(Rim):
    """Waits after so many patches until it may go on."""

    def __init__(self, patches: int) -> None:
        super().__init__()
        self.patches, self.go_on = patches, threading.Event()

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        out = super().forward(batch)
        if self.calls > self.patches:
            self.go_on.wait(20)
        return out


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(performance_controller, "LIVE_MS", 100)


def start_held(hands, network: Held) -> None:
    hands.start()
    hands.press("tuneOverlap", Qt.Key.Key_PageUp)
    hands.click("performanceMap")
    hands.click("evaluate")


def test_the_map_follows_an_evaluation(make_tune_hands, volume):  # noqa: F811
    network = Held(20)
    hands = make_tune_hands(volume, network, (volume > 0.5).astype(np.uint8))
    hands.pick("truth", "reference")
    try:
        start_held(hands, network)
        view = hands.dock.performance_view
        hands.until(lambda: bool(view.profiles.profiles))
        assert hands.dock.state.phase is Phase.RUNNING
        for line in view.profiles.profiles.values():
            assert len(line) == PATCH
        first = hands.layer("patch performance")
        before = first.data.copy()
    finally:
        network.go_on.set()
    hands.until(lambda: hands.dock.state.phase is Phase.IDLE)
    hands.until(lambda: not np.array_equal(first.data, before))
    hands.until(lambda: first.data[2:-2, 2:-2, 2:-2].max() == 0 and first.data[0].mean() > 0.4)
    assert hands.layer("patch performance") is first, "a layer that is replaced would flicker"


def test_without_a_reference_the_map_comes_with_the_consensus(make_tune_hands, volume):  # noqa: F811
    network = Held(20)
    hands = make_tune_hands(volume, network)
    try:
        start_held(hands, network)
        view = hands.dock.performance_view
        hands.until(lambda: view._remark.text() == "comes with the consensus")
        assert not view.profiles.profiles
    finally:
        network.go_on.set()
    hands.until(lambda: bool(view.profiles.profiles))
    hands.until(lambda: view._remark.text() == "disagreement (proxy)")


def test_the_readout_shows_the_stages_of_the_setting(make_tune_hands, volume):  # noqa: F811
    hands = make_tune_hands(volume, Rim())
    hands.start()
    bars = hands.find("tuneTimings")
    assert not bars.isVisibleTo(hands.dock)
    hands.evaluate()
    seen = []
    for key in (Qt.Key.Key_Home, Qt.Key.Key_PageUp):
        hands.press("tuneOverlap", key)
        point = hands.dock.tuning.point()
        assert point.candidate == hands.dock.tuning.candidate
        assert bars.seconds == dict(point.stages)
        assert list(bars.seconds) == ["read", "forward", "blend", "write"]
        said = bars.accessibleDescription()
        assert all(f"{stage} {seconds:.1f} s" in said for stage, seconds in point.stages.items())
        assert bars.isVisibleTo(hands.dock)
        assert sum(map(bars.share, bars.seconds)) == pytest.approx(1)
        seen.append(bars.seconds)
    assert seen[0]["forward"] < seen[1]["forward"], "more patches take longer"


def test_the_slice_is_drawn_together_with_the_slider(make_tune_hands, volume, monkeypatch):  # noqa: F811
    """Before the event loop gets its turn: slider and slice are one picture."""
    monkeypatch.setattr(live_controller, "PATIENCE_SECONDS", 5)
    hands = make_tune_hands(volume, Rim())
    hands.start()
    hands.evaluate()
    hands.wait_drawn()
    hands.dock.setting_view.slider.setValue(0)
    wanted = expected(volume, Candidate((PATCH,) * 3, 0.0), Rim())
    np.testing.assert_array_equal(hands.layer("tuned labels").data[5], wanted[5])


def test_in_3d_a_coarse_preview_comes_first(make_tune_hands, volume):  # noqa: F811
    hands = make_tune_hands(volume, Rim())
    hands.start()
    hands.evaluate()
    hands.wait_drawn()
    hands.viewer.dims.ndisplay = 3
    live, shown = hands.dock.live, []
    labels = hands.layer("tuned labels")
    labels.events.set_data.connect(lambda: shown.append(labels.data.copy()))
    hands.press("tuneOverlap", Qt.Key.Key_Home)
    hands.wait_drawn()
    exact = expected(volume, Candidate((PATCH,) * 3, 0.0), Rim())
    coarse = exact[::4, ::4, ::4].repeat(4, 0).repeat(4, 1).repeat(4, 2)
    assert len(shown) == 2
    np.testing.assert_array_equal(shown[0], coarse)
    np.testing.assert_array_equal(shown[1], exact)
    assert live.seconds > 0


def test_a_long_region_is_read_from_its_beginning(make_tune_hands, volume):  # noqa: F811
    hands = make_tune_hands(volume, Rim())
    hands.start("")
    hands.evaluate()
    line = hands.find("region")
    assert line.text().startswith("z=")
    assert line.cursorPosition() == 0


@pytest.mark.parametrize(
    ("line", "parts"),
    [([1, 2, 3], [(0, 3)]), ([np.nan, 1, np.nan, 2, 3], [(1, 2), (3, 5)]), ([np.nan], [])],
)
def test_a_profile_has_gaps_where_nothing_was_seen(line, parts):
    assert [(part.start, part.stop) for part in known_parts(np.array(line, float))] == parts


def test_a_long_recommendation_is_in_sight_as_a_whole(make_tune_hands, volume):  # noqa: F811
    hands = make_tune_hands(volume, Rim())
    hands.dock.state.say("One setting takes far less than another one. " * 8)
    hands.qtbot.wait(100)
    message = hands.find("message")
    assert message.height() >= message.heightForWidth(message.width())
    high = message.height()
    hands.dock.state.say("Done.")
    hands.qtbot.wait(100)
    assert message.height() < high
