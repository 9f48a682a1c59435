"""Layers of a real napari, met without importing it in the package."""

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.layers import Image, Labels, Points, Shapes, Vectors

from napari_seamless.errors import AxesError, VolumeError
from napari_seamless.volume import open_volume


def test_image_layer_keeps_scale_translate_and_units():
    values = np.random.default_rng(12).random((4, 6, 8), dtype=np.float32)
    layer = Image(values, scale=(2, 0.5, 0.5), translate=(1, 2, 3), units=("um", "um", "um"), name="cells")
    volume = open_volume(layer)
    assert (volume.name, volume.axes, volume.is_labels) == ("cells", ("z", "y", "x"), False)
    assert (volume.spacing, volume.translation) == ((2, 0.5, 0.5), (1, 2, 3))
    assert volume.units == ("micrometer",) * 3
    np.testing.assert_array_equal(volume.data[1:, 2], values[1:, 2])


def test_pixels_are_no_unit_and_labels_are_labels():
    volume = open_volume(Labels(np.zeros((6, 8), np.int32), name="tissue"))
    assert volume.is_labels
    assert volume.units == (None, None)
    assert volume.axes == ("y", "x")


def test_axis_labels_name_the_axes():
    layer = Image(np.zeros((2, 4, 6, 8)), axis_labels=("channel", "z", "y", "x"), scale=(1, 3, 2, 2))
    volume = open_volume(layer)
    assert (volume.axes, volume.spacing) == (("c", "z", "y", "x"), (3, 2, 2))


def test_four_axes_without_labels_are_not_guessed():
    layer = Image(np.zeros((2, 4, 6, 8)), name="cells")
    with pytest.raises(AxesError, match="cells has 4 dimensions"):
        open_volume(layer)
    assert open_volume(layer, axes="czyx").n_channels == 2


def test_rgb_has_its_channels_last():
    volume = open_volume(Image(np.zeros((6, 8, 3), np.uint8), rgb=True, scale=(2, 3)))
    assert (volume.axes, volume.n_channels, volume.spacing) == (("y", "x", "c"), 3, (2, 3))


def test_multiscale_levels_cover_the_same_extent():
    layer = Image([np.zeros((8, 16)), np.zeros((4, 8)), np.zeros((2, 4))], multiscale=True, scale=(3, 1))
    volume = open_volume(layer)
    assert [level.spacing for level in volume.levels] == [(3, 1), (6, 2), (12, 4)]
    assert [level.translation for level in volume.levels] == [(0, 0), (1.5, 0.5), (4.5, 1.5)]


def test_data_of_a_layer_stays_lazy():
    array = zarr.create_array(zarr.storage.MemoryStore(), shape=(8, 8), chunks=(4, 4), dtype="f4")
    volume = open_volume(Image(array, contrast_limits=(0, 1), name="stored"), missing_chunks="error")
    assert volume.data.array is array
    with pytest.raises(VolumeError, match="of stored is missing"):
        volume.data[:2]
    lazy = da.zeros((8, 8), chunks=4)
    assert isinstance(open_volume(Image(lazy, contrast_limits=(0, 1))).data, da.Array)


@pytest.mark.parametrize("kind", [Points, Shapes, Vectors])
def test_layers_without_voxels_are_no_volume(kind):
    with pytest.raises(VolumeError, match=f"'seeds' is of type {kind.__name__}; choose an image or labels layer"):
        open_volume(kind(name="seeds"))
