"""What cannot be measured is said in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from tests.gui.test_distance import DistanceHands, labels, make_distance_hands  # noqa: F401  fixtures


@pytest.fixture(autouse=True)
def no_notifications():
    """Fail where napari had to show an error of ours."""
    before = len(notification_manager.records)
    yield
    assert [str(n) for n in notification_manager.records[before:]] == []


def assert_said(hands: DistanceHands, severity: str, *words: str) -> None:
    hands.until(lambda: not hands.dock.state.phase.busy and hands.severity == severity)
    for word in words:
        assert word in hands.message
    assert "\n" not in hands.message


def test_an_image_is_no_labels(make_distance_hands):  # noqa: F811
    hands = make_distance_hands(show=False)
    hands.viewer.add_image(np.zeros((4, 5, 6), np.float32), name="image")
    hands.pick("distanceLayer", "image")
    hands.dock.labels_view.layers.activated.emit(hands.find("distanceLayer").currentIndex())
    assert_said(hands, "error", "integers", "float32")
    assert not hands.find("distanceCompute").isEnabled()


def test_coarse_slices_are_warned_of_before_anything_is_computed(make_distance_hands, labels):  # noqa: F811
    hands = make_distance_hands(labels, show=False, scale=(6, 1, 1))
    assert_said(hands, "warning", "5 times coarser along z")


REFUSED = (
    ("distanceClasses", "white", ("labels such as 1", "'white'")),
    ("distanceLimit", "far", ("above 0", "'far'")),
    ("distanceLimit", "-2", ("above 0", "-2")),
    ("distanceMemory", "lots", ("memory_budget", "'lots'")),
    ("distancePath", "/proc/nothing/map.ome.zarr", ("cannot be written",)),
)


def test_what_is_typed_wrong_is_refused(make_distance_hands, labels):  # noqa: F811
    hands = make_distance_hands(labels, show=False)
    for widget, typed, words in REFUSED:
        hands.type(widget, typed)
        hands.click("distanceCompute")
        assert_said(hands, "error", *words)
        assert hands.maps() == {}
        hands.find(widget).clear()


def test_a_class_that_is_missing_is_said(make_distance_hands, labels):  # noqa: F811
    hands = make_distance_hands(labels, show=False)
    hands.type("distanceClasses", "1, 7")
    hands.compute()
    assert_said(hands, "warning", "label 7", "zero")
    assert not hands.maps()["distance to label 7"].data.any()


def test_maps_beyond_the_memory_need_a_folder(make_distance_hands):  # noqa: F811
    hands = make_distance_hands(np.ones((64, 64, 64), np.uint8), show=False)
    hands.type("distanceMemory", "2MiB")
    hands.type("distanceClasses", "1")
    hands.click("distanceCompute")
    assert_said(hands, "error", "2.0 MiB", "folder")
