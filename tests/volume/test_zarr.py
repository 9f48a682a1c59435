"""Plain zarr arrays and groups: axes, shapes, and the errors that name what to try."""

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices

from napari_seamless.errors import AxesError, MissingDependencyError, VolumeError, VolumeNotFoundError
from napari_seamless.volume import open_volume
from napari_seamless.volume.zarr_data import ZarrData


@pytest.fixture
def numbers():
    return np.random.default_rng(6).integers(1, 1000, (12, 14, 10)).astype(np.uint16)


@pytest.mark.parametrize(("zarr_format", "shards"), [(2, None), (3, None), (3, (8, 8, 8))])
def test_path_and_object_read_alike(tmp_path, numbers, zarr_format, shards):
    path = tmp_path / "cells.zarr"
    array = zarr.create_array(path, data=numbers, chunks=(4, 4, 4), shards=shards, zarr_format=zarr_format)
    for source in (path, str(path), array, zarr.open(path, mode="r")):
        volume = open_volume(source)
        assert (volume.name, volume.axes, volume.source) == ("cells", ("z", "y", "x"), str(path))
        assert volume.data.stored_chunks == (shards or (4, 4, 4))
        assert volume.data.array.chunks == (4, 4, 4)
        np.testing.assert_array_equal(volume.data[3:9, 2, -4:], numbers[3:9, 2, -4:])
        np.testing.assert_array_equal(np.asarray(volume.data), numbers)
    assert open_volume(array).data.missing_chunks == ()


def test_array_in_memory_and_inside_a_group(numbers):
    group = zarr.create_group(zarr.storage.MemoryStore())
    array = group.create_array("raw", data=numbers)
    assert open_volume(array).name == "raw"


@pytest.mark.parametrize("how", ["dimension_names", "_ARRAY_DIMENSIONS"])
def test_stored_axis_names_are_used(tmp_path, how):
    named = {"dimension_names": ["Time", "y", "x"]} if how == "dimension_names" else {"zarr_format": 2}
    array = zarr.create_array(tmp_path / "a.zarr", shape=(2, 3, 4), dtype="u1", **named)
    if how == "_ARRAY_DIMENSIONS":
        array.attrs["_ARRAY_DIMENSIONS"] = ["Time", "y", "x"]
    assert open_volume(tmp_path / "a.zarr").axes == ("t", "y", "x")
    assert open_volume(tmp_path / "a.zarr", axes="zyx").axes == ("z", "y", "x")


def test_numbered_dimension_names_are_no_names(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(2, 3, 4, 5), dtype="u1", dimension_names=["dim_0", "dim_1", "y", "x"])
    with pytest.raises(AxesError, match=r"a has 4 dimensions .* axes=\"czyx\""):
        open_volume(tmp_path / "a.zarr")


def test_group_without_multiscales_names_its_arrays(tmp_path):
    group = zarr.create_group(tmp_path / "g.zarr")
    for name in ("raw", "seg"):
        group.create_array(name, shape=(4, 4), dtype="u1")
    with pytest.raises(VolumeError, match=r"no multiscales metadata; open one of .*g\.zarr/raw, .*g\.zarr/seg\."):
        open_volume(tmp_path / "g.zarr")
    assert open_volume(tmp_path / "g.zarr" / "raw").shape == (4, 4)


def test_group_of_images_names_them(tmp_path):
    group = zarr.create_group(tmp_path / "plate.zarr")
    group.create_group("OME")
    group.create_group("0").attrs["multiscales"] = [{"datasets": [{"path": "0"}]}]
    with pytest.raises(VolumeError, match=r"plate\.zarr/0\.$"):
        open_volume(tmp_path / "plate.zarr")


def test_empty_group_and_plain_folder(tmp_path):
    zarr.create_group(tmp_path / "g.zarr")
    with pytest.raises(VolumeError, match="holds no arrays"):
        open_volume(tmp_path / "g.zarr")
    (tmp_path / "folder").mkdir()
    with pytest.raises(VolumeError, match="neither a zarr array nor a group") as caught:
        open_volume(tmp_path / "folder")
    assert not isinstance(caught.value, FileNotFoundError)


def test_damaged_metadata(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(4, 4), dtype="u1")
    (tmp_path / "a.zarr" / "zarr.json").write_text("{ not json")
    with pytest.raises(VolumeError, match="cannot be opened as zarr"):
        open_volume(tmp_path / "a.zarr")


def test_addresses_go_to_fsspec(numbers):
    zarr.create_array("memory://volumes/cells.zarr", data=numbers)
    volume = open_volume("memory://volumes/cells.zarr")
    assert (volume.name, volume.source) == ("cells", "memory://volumes/cells.zarr")
    np.testing.assert_array_equal(volume.data[2:4], numbers[2:4])
    with pytest.raises(VolumeNotFoundError, match="no zarr array or group"):
        open_volume("memory://volumes/nowhere.zarr")


def test_address_of_an_unknown_kind():
    with pytest.raises(VolumeError, match=r"'carrier://pigeon/cells\.zarr' cannot be opened"):
        open_volume("carrier://pigeon/cells.zarr")


def test_address_whose_package_is_missing(monkeypatch):
    def need(*_, **__):
        raise ImportError("Install s3fs")

    monkeypatch.setattr(zarr, "open", need)
    with pytest.raises(MissingDependencyError, match=r"Install s3fs.*napari-seamless\[remote\]"):
        open_volume("s3://bucket/cells.zarr")


SHAPE = (7, 9, 5)
VALUES = np.random.default_rng(7).integers(1, 100, SHAPE)
STORED = ZarrData(zarr.create_array(zarr.storage.MemoryStore(), data=VALUES, chunks=(3, 4, 2)), "cells")


@given(basic_indices(SHAPE, allow_newaxis=False, min_dims=0))
def test_indexing_equals_numpy(key):
    steps = [entry.step for entry in (key if isinstance(key, tuple) else (key,)) if isinstance(entry, slice)]
    if any(step is not None and step < 0 for step in steps):
        with pytest.raises(IndexError, match="positive"):
            STORED[key]
    else:
        expected = VALUES[key]
        np.testing.assert_array_equal(STORED[key], expected)
        assert np.shape(STORED[key]) == np.shape(expected)


@pytest.mark.parametrize("key", [7, (0, 0, 0, 0), "x", ([0, 1],), (..., 0, ...)])
def test_indexing_refuses_what_it_does_not_understand(key):
    with pytest.raises(IndexError):
        STORED[key]


@given(st.data())
def test_what_is_read_is_looked_up_only_where_it_is_empty(data):
    """Units that are suspected are exactly those of which only the fill value was read."""
    values = np.zeros(SHAPE, np.int64)
    for index in data.draw(st.lists(st.tuples(*(st.integers(0, n - 1) for n in SHAPE)), max_size=6)):
        values[index] = 1
    array = ZarrData(zarr.create_array(zarr.storage.MemoryStore(), data=values, chunks=(3, 4, 2)), "cells")
    key = data.draw(st.tuples(*(st.slices(n).filter(lambda s: (s.step or 1) > 0) for n in SHAPE)))
    part = array[key]
    # chunks of zeros were not written, and every chunk with a 1 was
    expected = set()
    grids = np.meshgrid(*(np.arange(n)[s] // c for n, s, c in zip(SHAPE, key, (3, 4, 2), strict=True)), indexing="ij")
    for index in set(zip(*(grid.ravel().tolist() for grid in grids), strict=True)):
        box = tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, (3, 4, 2), strict=True))
        if not values[box].any():
            expected.add(index)
    assert part.shape == values[key].shape
    assert set(array.missing_chunks) == expected
