"""`signed_distance_map` against SciPy and by hand, with its warnings and refusals."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from scipy.ndimage import distance_transform_edt

from napari_seamless import open_volume, signed_distance_map
from napari_seamless.errors import AxesError, SettingsError, VolumeError


@pytest.fixture
def labels():
    values = np.random.default_rng(2).integers(0, 40, (12, 15, 9))
    return np.where(values > 2, 0, values).astype(np.int16)


def published(inside, spacing):
    outside, within = (distance_transform_edt(kind, sampling=spacing) for kind in (~inside, inside))
    return outside * ~inside - (within - 1) * inside


def test_maps_stand_in_the_order_of_the_labels(labels):
    maps = signed_distance_map(labels, (2, 1, 0.5))
    assert maps.shape == (3, 12, 15, 9)
    assert maps.dtype == np.float32
    for value in range(3):
        np.testing.assert_allclose(maps[value], published(labels == value, (2, 1, 0.5)), rtol=1e-5, atol=1e-5)


def test_classes_choose_maps_and_their_order(labels):
    both = signed_distance_map(labels, classes=[2, 0])
    np.testing.assert_array_equal(both, signed_distance_map(labels)[[2, 0]])


def test_the_spacing_comes_from_the_metadata_unless_it_is_given(labels):
    volume = open_volume(labels, spacing=(3, 1, 1))
    np.testing.assert_array_equal(signed_distance_map(volume), signed_distance_map(labels, (3, 1, 1)))
    np.testing.assert_array_equal(signed_distance_map(volume, 1), signed_distance_map(labels))


def test_a_plane_a_list_and_a_path_are_labels_too(tmp_path):
    plane = np.eye(5, dtype=np.uint8)
    expected = signed_distance_map(plane)
    zarr.create_array(tmp_path / "plane.zarr", shape=(5, 5), dtype="u1", chunks=(2, 2))[...] = plane
    for source in (plane.tolist(), tmp_path / "plane.zarr", plane.astype(bool), plane.T):
        np.testing.assert_array_equal(signed_distance_map(source), expected)


def test_a_channel_axis_of_one_is_no_obstacle(labels):
    volume = open_volume(labels[None], axes="czyx")
    np.testing.assert_array_equal(signed_distance_map(volume), signed_distance_map(labels))


def test_a_class_that_is_absent_or_everywhere_has_a_map_of_zeros_and_a_warning():
    labels = np.ones((4, 4), np.uint8)
    with pytest.warns(UserWarning, match="label") as told:
        maps = signed_distance_map(labels, classes=[1, 3])
    assert np.all(maps == 0)
    assert sorted(str(one.message)[:8] for one in told) == ["Every vo", "No voxel"]


@pytest.mark.parametrize("convention", ["published", "exact"])
def test_an_absent_class_stays_zero_where_distances_are_cut(convention):
    with pytest.warns(UserWarning, match="No voxel"):
        maps = signed_distance_map(np.eye(4, dtype=int), classes=[5], max_distance=2, convention=convention)
    assert np.all(maps == 0)


def test_one_axis_over_five_times_coarser_is_told():
    with pytest.warns(UserWarning, match=r"coarser along y \(5.5\) than along x \(1\)"):
        signed_distance_map(np.eye(4, dtype=int), spacing=(5.5, 1))
    signed_distance_map(np.eye(4, dtype=int), spacing=(5, 1))


@pytest.mark.parametrize(
    ("labels", "options", "error", "words"),
    [
        (np.eye(3), {}, VolumeError, "integers or booleans, got float64"),
        (np.eye(3, dtype=int), {"spacing": (1, 2, 3)}, AxesError, "2 spatial axes"),
        (np.eye(3, dtype=int), {"spacing": (1, 0)}, SettingsError, "spacing .* got 0"),
        (np.eye(3, dtype=int), {"spacing": "thin"}, SettingsError, "spacing .* got 'thin'"),
        (np.eye(3, dtype=int), {"classes": [1, 1]}, SettingsError, "each label once"),
        (np.eye(3, dtype=int), {"classes": 1}, SettingsError, r"such as \[1, 2\], got 1"),
        (np.eye(3, dtype=int), {"classes": [0.5]}, SettingsError, "label values"),
        (np.eye(3, dtype=int), {"classes": []}, SettingsError, "label values"),
        (np.eye(3, dtype=int), {"convention": "rough"}, SettingsError, "got 'rough'"),
        (np.eye(3, dtype=int), {"max_distance": 0}, SettingsError, "max_distance .* got 0"),
        (np.eye(3, dtype=int), {"threads": 0}, SettingsError, "threads"),
        (np.eye(3, dtype=int) * 5000, {}, SettingsError, "0 to 63 .* got 5000"),
        (np.zeros((2, 2, 2, 2), int), {}, AxesError, "name"),
        (open_volume(np.zeros((2, 3, 3), int), axes="cyx"), {}, AxesError, "2 positions along c"),
        (open_volume(np.zeros((2, 3, 3, 3), int), axes="wzyx"), {}, VolumeError, "one to three spatial axes, got 4"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_sentence(labels, options, error, words):
    with pytest.raises(error, match=words) as refused:
        signed_distance_map(labels, **options)
    assert "\n" not in str(refused.value)
