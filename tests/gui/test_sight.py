"""What a person looks at is segmented first; the result is the same."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from tests.gui.hands import Hands, Threshold

from napari_seamless._napari.growing import GrowingLayers
from napari_seamless.types import Box

PATCH, SLOW = 16, 0.15
SHAPE = (128, 32, 32)
"""Eight planes of four chunks."""


@pytest.fixture
def tall() -> np.ndarray:
    return np.random.default_rng(0).random(SHAPE, dtype=np.float32)


@pytest.fixture
def written(monkeypatch) -> list[Box]:
    """Return the boxes of chunks in the order in which they were written."""
    boxes: list[Box] = []
    add = GrowingLayers.add

    def noted(this: GrowingLayers, box: Box) -> None:
        boxes.append(box)
        add(this, box)

    monkeypatch.setattr(GrowingLayers, "add", noted)
    return boxes


def start(make_hands, volume: np.ndarray) -> Hands:
    hands = make_hands(volume, Threshold(SLOW))
    hands.choose_network()
    hands.tile(PATCH, chunk=PATCH)
    hands.viewer.dims.set_point(0, 0)
    hands.wait_measured()
    return hands


def planes(boxes: list[Box]) -> list[int]:
    """Return the first slice of the chunks, in the order in which they were first met."""
    return list(dict.fromkeys(box.start[0] for box in boxes))


def test_the_slice_in_sight_comes_first_and_scrolling_is_followed(make_hands, tall, written):
    hands = start(make_hands, tall)
    hands.click("run")
    hands.until(lambda: len(written) >= 1)
    hands.viewer.dims.set_point(0, 2 * 127)  # voxels are 2 um high
    hands.wait_idle()
    order = planes(written)
    assert order[0] == 0
    # what was under way when the slider moved is finished, then the far end comes before the planes between
    assert order.index(112) <= 4
    assert sorted(order) == list(range(0, 128, 16))
    np.testing.assert_array_equal(hands.result.data, tall > 0.5)


def test_the_part_of_the_slice_on_the_canvas_comes_first(make_hands, tall, written):
    hands = start(make_hands, tall)
    hands.viewer.dims.set_point(0, 2 * 50)
    hands.viewer.scene.camera.center = (0, 24, 24)
    hands.viewer.scene.camera.zoom = 200
    hands.click("run")
    hands.wait_idle()
    assert written[0] == Box((48, 16, 16), (64, 32, 32))
    np.testing.assert_array_equal(hands.result.data, tall > 0.5)


def test_without_the_tick_the_run_goes_from_the_first_slice_to_the_last(make_hands, tall, written):
    hands = start(make_hands, tall)
    box = hands.find("lookFirst")
    hands.qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert not box.isChecked()
    hands.viewer.dims.set_point(0, 2 * 127)
    hands.click("run")
    hands.wait_idle()
    assert planes(written) == list(range(0, 128, 16))
    np.testing.assert_array_equal(hands.result.data, tall > 0.5)


def test_nothing_looks_when_no_run_goes_on(make_hands, tall):
    hands = start(make_hands, tall)
    timer = hands.dock.sight._timer
    assert not timer.isActive()
    hands.click("run")
    hands.until(lambda: hands.result is not None)
    assert timer.isActive()
    hands.click("cancel")
    hands.wait_idle()
    assert not timer.isActive()
