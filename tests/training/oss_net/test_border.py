"""The border region: equal to SciPy's filters, block by block as of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from scipy import ndimage

from napari_seamless.engine import Control
from napari_seamless.errors import OutputExistsError, RunCancelledError, SettingsError
from napari_seamless.training.oss_net import border_in_box, border_map, write_border_map
from napari_seamless.types import Box
from napari_seamless.volume import open_volume


def truth(labels: np.ndarray, classes: int = 1) -> np.ndarray:
    masks = [labels > 0] if classes == 1 else [labels == c for c in range(1, classes)]
    found = np.zeros(labels.shape, bool)
    for mask in masks:
        parts = [ndimage.sobel(mask.astype(float), axis, mode="nearest") for axis in range(labels.ndim)]
        found |= np.sqrt(sum(p**2 for p in parts)) > 0
    return ndimage.binary_dilation(found, np.ones((13,) * labels.ndim))


@pytest.fixture
def labels() -> np.ndarray:
    found = np.zeros((40, 50, 45), np.uint8)
    found[20:, 30:, :10] = 1
    found[3, 5, 40] = 2
    found[22:30, 2:5, 20:30] = 2
    return found


@pytest.mark.parametrize("classes", [1, 3])
def test_the_region_is_that_of_scipy(labels, classes):
    assert np.array_equal(border_map(labels, classes), truth(labels, classes))


def test_labels_of_one_value_have_no_border():
    assert not border_map(np.ones((9, 9, 9), np.uint8)).any()
    assert not border_map(np.zeros((9, 9), bool)).any()


def test_a_box_is_cut_from_the_map_of_the_whole(labels):
    whole = border_map(labels)
    for start, stop in (((0, 0, 0), (8, 9, 10)), ((13, 20, 3), (21, 40, 30)), ((35, 44, 40), (40, 50, 45))):
        box = Box(start, stop)
        part = border_in_box(lambda b: labels[b.slices], labels.shape, box)
        assert np.array_equal(part, whole[box.slices])


def test_a_file_holds_the_map_of_the_whole_and_reads_no_more_than_a_chunk_and_its_halo(labels, tmp_path):
    source = zarr.create_array(tmp_path / "labels.zarr", shape=labels.shape, dtype="u1", chunks=(16, 16, 16))
    source[...] = labels
    events = []
    written = write_border_map(tmp_path / "labels.zarr", tmp_path / "b.ome.zarr", chunk=16, on_event=events.append)
    expected = truth(labels)
    stored = open_volume(tmp_path / "b.ome.zarr")
    assert np.array_equal(np.asarray(stored.data[:, :, :]), expected)
    assert written.voxels == expected.sum()
    assert [event.total for event in events] == [3 * 4 * 3] * 36


def test_bad_ends_are_told(labels, tmp_path):
    with pytest.raises(SettingsError, match="chunk and classes"):
        write_border_map(labels, tmp_path / "b.ome.zarr", chunk=0)
    control = Control()
    control.cancel()
    with pytest.raises(RunCancelledError, match="nothing of it is left"):
        write_border_map(labels, tmp_path / "b.ome.zarr", control=control)
    assert list(tmp_path.iterdir()) in ([], [tmp_path / ".b.ome.zarr-lock"])
    write_border_map(labels, tmp_path / "b.ome.zarr")
    with pytest.raises(OutputExistsError):
        write_border_map(labels, tmp_path / "b.ome.zarr")
