"""What the viewer shows is the voxels that its camera, slice and layer transforms say."""

from __future__ import annotations

import numpy as np
import pint
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_seamless._napari.in_sight import box_in_sight
from napari_seamless.types import Box
from napari_seamless.volume import open_volume

SHAPE = (20, 40, 60)


def looking(layer: Image, *, point: tuple[float, ...], centre: tuple[float, float], zoom: float = 1.0) -> ViewerModel:
    """Return a viewer of a canvas of 20 x 40 pixels that shows a layer."""
    viewer = ViewerModel()
    viewer.add_layer(layer)
    viewer.canvas.size = (20, 40)
    viewer.dims.point = point
    viewer.scene.camera.center = (0, *centre)
    viewer.scene.camera.zoom = zoom
    return viewer


def image(**arguments) -> Image:
    arguments = {"units": ("um",) * 3, "axis_labels": ("z", "y", "x"), **arguments}
    return Image(np.zeros(SHAPE, np.uint8), **arguments)


def seen(viewer: ViewerModel) -> Box | None:
    layer = viewer.layers[0]
    return box_in_sight(viewer, layer, open_volume(layer))


def test_the_slice_and_the_part_on_the_canvas() -> None:
    viewer = looking(image(), point=(7, 0, 0), centre=(20, 30))
    # 20 x 40 pixels around (20, 30): the ends 10 and 30, 10 and 50 lie in the middle of a voxel
    assert seen(viewer) == Box((7, 10, 10), (8, 31, 51))


def test_zooming_in_shows_less() -> None:
    viewer = looking(image(), point=(7, 0, 0), centre=(20.0, 30.0), zoom=4.0)
    # 2.5 and 5 voxels to both sides: 17.5 and 22.5 are the borders of voxels 18 to 22 and of their neighbours
    box = seen(viewer)
    assert box == Box((7, 18, 25), (8, 24, 36))


def test_spacing_and_place_of_the_layer_count() -> None:
    viewer = looking(image(scale=(2, 1, 0.5), translate=(100, 10, 5)), point=(108, 0, 0), centre=(30, 15))
    # z = (108 - 100) / 2; y = 20 to 40 less 10; x = -5 to 35, less 5, times 2, cut at the ends
    assert seen(viewer) == Box((4, 10, 0), (5, 31, 60))


def test_transposed_axes() -> None:
    viewer = looking(image(), point=(7, 5, 0), centre=(0, 0))
    viewer.dims.order = (1, 0, 2)
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 10, 30), 1.0
    assert seen(viewer) == Box((0, 5, 10), (20, 6, 51))


def test_a_layer_turned_by_a_right_angle() -> None:
    layer = image(rotate=90)
    viewer = looking(layer, point=(7, 0, 0), centre=tuple(layer.data_to_world((7, 20, 30))[1:]))
    # the canvas is 20 high, which is now along x, and 40 wide, along y
    assert seen(viewer) == Box((7, 0, 20), (8, 40, 41))


def test_units_of_the_viewer_are_converted() -> None:
    layer = image(units=("mm",) * 3, scale=(0.001,) * 3)
    viewer = looking(image(), point=(7, 0, 0), centre=(20, 30))
    viewer.add_layer(layer)
    assert {str(unit) for unit in viewer.dims.units} == {"micrometer"}
    assert box_in_sight(viewer, layer, open_volume(layer)) == seen(viewer)


def test_a_pyramid_is_counted_in_voxels_of_its_finest_level() -> None:
    levels = [np.zeros(SHAPE, np.uint8), np.zeros((10, 20, 30), np.uint8)]
    layer = Image(levels, multiscale=True, units=("um",) * 3, axis_labels=("z", "y", "x"))
    viewer = looking(layer, point=(7, 0, 0), centre=(20, 30))
    assert seen(viewer) == Box((7, 10, 10), (8, 31, 51))


def test_channels_are_no_part_of_the_box() -> None:
    layer = Image(np.zeros((3, *SHAPE), np.uint8), axis_labels=("c", "z", "y", "x"))
    viewer = looking(layer, point=(2, 7, 0, 0), centre=(20, 30))
    assert seen(viewer) == Box((7, 10, 10), (8, 31, 51))


def test_in_two_dimensions() -> None:
    layer = Image(np.zeros((40, 60), np.uint8), axis_labels=("y", "x"))
    viewer = looking(layer, point=(0, 0), centre=(20, 30))
    assert seen(viewer) == Box((10, 10), (31, 51))


@pytest.mark.parametrize("reason", ["3D", "removed", "beside", "other units"])
def test_nothing_comes_first_where_nothing_or_all_is_in_sight(reason: str) -> None:
    viewer = looking(image(), point=(7, 0, 0), centre=(20, 30))
    layer = viewer.layers[0]
    if reason == "3D":
        viewer.dims.ndisplay = 3
    elif reason == "removed":
        viewer.layers.remove(layer)
    elif reason == "beside":
        viewer.scene.camera.center = (0, 500, 30)
    else:
        viewer.dims.units = (pint.get_application_registry().Unit("second"),) * 3
    assert box_in_sight(viewer, layer, open_volume(layer)) is None


def test_a_grid_of_layers_shows_the_whole_slice() -> None:
    viewer = looking(image(), point=(7, 0, 0), centre=(20, 30), zoom=10.0)
    viewer.canvas.grid.enabled = True
    assert seen(viewer) == Box((7, 0, 0), (8, 40, 60))
