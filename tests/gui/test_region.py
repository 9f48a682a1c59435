"""A person segments a part of a volume."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QLineEdit
from tests.gui.hands import Hands, Threshold

from napari_seamless.types import Box

PATCH = 16


def ready(make_hands, volume: np.ndarray) -> Hands:
    hands = make_hands(volume, Threshold())
    hands.choose_network()
    hands.tile(PATCH, chunk=PATCH)
    return hands


def rectangle(hands: Hands):
    return hands.viewer.layers["region"]


def plan(hands: Hands):
    hands.wait_measured()
    return hands.dock.tiling.job.plan


def add(hands: Hands, corners: list[tuple[float, float, float]]) -> None:
    """Leave a rectangle on the layer, as the mouse would."""
    rectangle(hands).add_rectangles(np.array(corners))
    hands.qtbot.wait(50)


def test_a_typed_region_is_segmented_and_lies_in_the_right_place(make_hands, volume):
    hands = ready(make_hands, volume)
    image = hands.viewer.layers["cells"]
    hands.type("region", "z=8:24,x=4:20")
    assert plan(hands).region == Box((8, 0, 4), (24, 32, 20))
    hands.click("run")
    hands.wait_idle()
    np.testing.assert_array_equal(hands.result.data, (volume > 0.5)[8:24, :, 4:20])
    # voxels are 2 x 1 x 1 um
    np.testing.assert_allclose(hands.result.translate, np.add(image.translate, (16, 0, 4)))
    np.testing.assert_allclose(hands.result.scale, image.scale)


def test_estimates_are_those_of_the_region(make_hands, volume):
    hands = ready(make_hands, volume)
    tiles = hands.dock.run_view.tiles.values
    hands.wait_measured()
    assert tiles["patches"].text() == "8"
    hands.type("region", "z=0:16")
    hands.wait_measured()
    assert tiles["patches"].text() == "4"
    assert hands.dock.volume_view.region.size.text() == "16 × 32 × 32 voxels, 50% of the volume"
    hands.find("region").clear()
    hands.wait_measured()
    assert tiles["patches"].text() == "8"
    assert not hands.dock.volume_view.region.size.isVisible()


@pytest.mark.parametrize(
    ("typed", "word"), [("z=8:99", "reaches outside"), ("w=1:2", "'w'"), ("nonsense", "nonsense"), ("z=8:8", "empty")]
)
def test_a_region_that_makes_no_sense_is_said(make_hands, volume, typed, word):
    hands = ready(make_hands, volume)
    hands.type("region", typed)
    hands.until(lambda: hands.severity == "error")
    assert word in hands.message
    hands.click("run")
    assert hands.result is None
    hands.type("region", "z=8:16")
    hands.until(lambda: hands.message == "")


def test_a_drawn_rectangle_reaches_through_all_slices(make_hands, volume):
    hands = ready(make_hands, volume)
    hands.click("regionDraw")
    assert rectangle(hands).mode == "add_rectangle"
    # borders of voxels lie at halves: from 3.5 to 9.5 are the voxels 4 to 9
    add(hands, [(15, 3.6, 7.4), (15, 3.6, 19.7), (15, 9.3, 19.7), (15, 9.3, 7.4)])
    assert hands.find("region").text() == "y=4:10,x=8:20"
    assert plan(hands).region == Box((0, 4, 8), (32, 10, 20))
    assert rectangle(hands).mode == "pan_zoom"


def test_drawing_along_two_axes_bounds_all_three(make_hands, volume):
    hands = ready(make_hands, volume)
    hands.click("regionDraw")
    add(hands, [(15, 3.6, 7.4), (15, 3.6, 19.7), (15, 9.3, 19.7), (15, 9.3, 7.4)])
    hands.viewer.dims.order = (2, 0, 1)
    hands.click("regionDraw")
    add(hands, [(2.5, -5, 10), (2.5, 50, 10), (11.5, 50, 10), (11.5, -5, 10)])
    assert plan(hands).region == Box((3, 0, 8), (12, 32, 20))
    assert hands.find("region").text() == "z=3:12,x=8:20"


def test_the_rectangle_shows_the_cut_on_each_slice(make_hands, volume):
    hands = ready(make_hands, volume)
    hands.click("regionDraw")
    add(hands, [(15, 4, 8), (15, 4, 19), (15, 9, 19), (15, 9, 8)])
    hands.type("region", "z=8:16,y=4:10,x=8:20")
    hands.viewer.dims.set_point(0, 2 * 8)
    (corners,) = rectangle(hands).data
    np.testing.assert_allclose(corners.min(axis=0), (8, 3.5, 7.5))
    np.testing.assert_allclose(corners.max(axis=0), (8, 9.5, 19.5))
    hands.viewer.dims.set_point(0, 2 * 16)
    assert len(rectangle(hands).data) == 0
    assert hands.find("region").text() == "z=8:16,y=4:10,x=8:20"


def test_a_rectangle_beside_the_region_makes_the_sliced_axis_whole(make_hands, volume):
    hands = ready(make_hands, volume)
    hands.type("region", "z=8:16,y=4:10")
    hands.viewer.dims.set_point(0, 2 * 20)
    hands.click("regionDraw")
    add(hands, [(20, 3.6, 7.4), (20, 3.6, 19.7), (20, 11.3, 19.7), (20, 11.3, 7.4)])
    assert hands.find("region").text() == "y=4:12,x=8:20"


def test_deleting_the_rectangle_takes_the_whole_volume(make_hands, volume):
    hands = ready(make_hands, volume)
    hands.type("region", "z=8:16,y=4:10")
    hands.viewer.dims.set_point(0, 2 * 9)
    hands.click("regionDraw")
    assert len(rectangle(hands).data) == 1
    rectangle(hands).selected_data = {0}
    rectangle(hands).remove_selected()
    hands.qtbot.wait(50)
    assert hands.find("region").text() == ""
    assert plan(hands).region is None


def test_drawing_with_the_mouse(make_hands, volume):
    hands = ready(make_hands, volume)
    hands.click("regionDraw")
    canvas = hands.viewer.window._qt_viewer.canvas.native
    middle, zoom = QPoint(canvas.width() // 2, canvas.height() // 2), hands.viewer.scene.camera.zoom
    reach = QPoint(round(5 * zoom), round(3 * zoom))
    hands.qtbot.mouseMove(canvas, middle - reach)
    hands.qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle - reach)
    for step in (-0.5, 0.0, 0.5, 1.0):
        hands.qtbot.mouseMove(canvas, middle + reach * step)
        hands.qtbot.wait(20)
    hands.qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle + reach)
    hands.until(lambda: hands.find("region").text() != "")
    # 3 and 5 voxels to both sides of the middle, which is the border between voxels 15 and 16
    drawn = plan(hands).region
    np.testing.assert_allclose(drawn.start, (0, 13, 11), atol=1)
    np.testing.assert_allclose(drawn.stop, (32, 19, 21), atol=1)


def test_another_volume_forgets_the_region(make_hands, volume):
    hands = ready(make_hands, volume)
    hands.click("regionDraw")
    hands.type("region", "z=8:16")
    hands.viewer.add_image(np.zeros((8, 8, 8), np.float32), name="small")
    hands.pick("layer", "small")
    assert hands.find("region").text() == ""
    assert "region" not in hands.viewer.layers


def test_a_rectangle_that_is_removed_leaves_the_region(make_hands, volume):
    hands = ready(make_hands, volume)
    hands.click("regionDraw")
    hands.type("region", "z=8:16")
    hands.viewer.layers.remove("region")
    hands.viewer.dims.set_point(0, 2 * 9)
    assert plan(hands).region == Box((8, 0, 0), (16, 32, 32))
    hands.click("regionDraw")
    assert len(rectangle(hands).data) == 1


def test_removing_the_volume_takes_the_rectangle_along(make_hands, volume):
    hands = make_hands(volume, Threshold(), show=False)
    hands.click("regionDraw")
    hands.viewer.layers.remove("cells")
    assert list(hands.viewer.layers) == []
    assert isinstance(hands.find("region"), QLineEdit)
    hands.click("regionDraw")
    assert hands.severity == "warning"
