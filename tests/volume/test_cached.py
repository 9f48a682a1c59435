"""A cached volume holds the voxels of the volume and reads each chunk as seldom as its bytes allow."""

import itertools
import pickle
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import dask.array
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.errors import VolumeError
from napari_seamless.patches import PatchReader
from napari_seamless.types import Box
from napari_seamless.volume import ChunkFaults, at, cached, open_volume, useful_cache_bytes, with_chunk_policy
from napari_seamless.volume.cached import CachedData

VALUES = np.random.default_rng(4).integers(1, 9999, (24, 20, 28)).astype(np.uint16)


class Counted:
    """A chunked array in memory that counts what is read."""

    def __init__(self, values, chunks):
        self.values, self.shape, self.dtype, self.chunks = values, values.shape, values.dtype, chunks
        self.reads = Counter()

    def __getitem__(self, key):
        self.reads[str(key)] += 1
        return self.values[key]


def boxes(shape, patch, step):
    """Every patch in raster order."""
    for start in itertools.product(*(range(0, n - p + 1, s) for n, p, s in zip(shape, patch, step, strict=True))):
        yield Box(start, tuple(a + p for a, p in zip(start, patch, strict=True)))


def store(kind, tmp_path):
    if kind == "dask":
        return dask.array.from_array(VALUES, chunks=((5, 19), (20,), (8, 8, 12)))
    shards = (16, 16, 16) if kind == "sharded" else None
    return zarr.create_array(tmp_path / "a.zarr", data=VALUES, chunks=(8, 8, 8), shards=shards)


@pytest.mark.parametrize("kind", ["zarr", "sharded", "dask"])
@pytest.mark.parametrize("budget", [0.4, 1.0])
def test_every_key_reads_what_numpy_reads(kind, budget, tmp_path):
    volume = cached(open_volume(store(kind, tmp_path)), int(VALUES.nbytes * budget))
    assert isinstance(volume.data, CachedData)
    assert (volume.shape, volume.dtype, volume.data.ndim) == (VALUES.shape, VALUES.dtype, 3)
    keys = [..., 3, -1, (slice(2, 19), 5), (slice(None), slice(3, 3)), (slice(1, 20, 3), slice(None, None, 2), -4)]
    for key in keys * 2:
        part = volume.data[key]
        np.testing.assert_array_equal(part, VALUES[key])
        assert part.dtype == VALUES.dtype
    part[...] = 0  # nobody else's voxels
    np.testing.assert_array_equal(np.asarray(volume.data), VALUES)


@given(st.data())
def test_boxes_are_written_into_any_array(data):
    shape = data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    chunks = tuple(data.draw(st.integers(1, 13)) for _ in shape)
    values = np.random.default_rng(0).integers(0, 99, shape).astype(np.int16)
    budget = data.draw(st.integers(max(2, 2 * int(np.prod(np.minimum(chunks, shape)))), 400_000))
    volume = cached(open_volume(Counted(values, chunks), axes="zyxw"[: len(shape)]), budget)
    for _ in range(4):
        ends = [sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in shape]
        key = tuple(slice(a, b) for a, b in ends)
        out = np.full(values[key].shape[::-1], np.nan, np.float32).T  # not contiguous
        volume.data.read_into(key, out)
        np.testing.assert_array_equal(out, values[key])
        assert volume.data.cache.n_bytes <= budget


@pytest.mark.parametrize(("patch", "chunk"), [(8, 8), (8, 4), (8, 16), (12, 8), (8, 5)])
def test_the_useful_bytes_decode_every_chunk_once(patch, chunk):
    values = np.zeros((24, 20, 28), np.uint16)
    array = Counted(values, (chunk,) * 3)
    volume = open_volume(array)
    n_bytes = useful_cache_bytes(volume, (patch,) * 3, at_most=2**40)
    reader = PatchReader(cached(volume, n_bytes))
    for box in boxes(values.shape, (patch,) * 3, (patch // 2,) * 3):
        reader.read(box)
    assert set(array.reads.values()) == {1}
    assert n_bytes <= values.nbytes


def test_each_step_of_useful_bytes_saves_and_what_lies_between_does_not():
    def decoded(n_bytes):
        array = Counted(np.zeros((32, 32, 32), np.uint16), (4, 4, 4))
        volume = cached(open_volume(array), n_bytes) if n_bytes else open_volume(array)
        reader = PatchReader(volume)
        for box in boxes(array.shape, (8, 8, 8), (4, 4, 4)):
            reader.read(box)
        return array.reads.total()

    volume = open_volume(Counted(np.zeros((32, 32, 32), np.uint16), (4, 4, 4)))
    steps = [10**9]
    while steps[-1]:
        steps.append(useful_cache_bytes(volume, (8, 8, 8), steps[-1] - 1))
    _, planes, row, one, nothing = steps
    assert planes > row > one > nothing
    assert decoded(planes) < decoded(row) < decoded(one)
    assert decoded(planes) == 8**3


def test_channels_in_a_chunk_count():
    values = np.zeros((2, 8, 8), np.uint8)
    volume = open_volume(Counted(values, (1, 4, 4)), axes="cyx")
    both, one = (useful_cache_bytes(volume, (4, 4), 10**6, channel=channel) for channel in (None, 1))
    assert (both, one) == (2 * 8 * 8, 8 * 8)


def test_arrays_without_chunks_and_chunks_beyond_the_budget_stay_as_they_are():
    plain = open_volume(VALUES)
    assert cached(plain, 2**30) is plain
    assert useful_cache_bytes(plain, (8, 8, 8), 2**30) == 0
    large = open_volume(Counted(VALUES, (24, 20, 28)))
    assert cached(large, VALUES.nbytes - 1) is large
    kept = cached(large, VALUES.nbytes)
    assert cached(kept, 2**30) is kept


def test_a_box_of_too_many_chunks_is_read_past_the_cache():
    array = Counted(VALUES, (4, 4, 4))
    volume = cached(open_volume(array), 2 * 4**3 * 2)
    np.testing.assert_array_equal(volume.data[:9, :9, :9], VALUES[:9, :9, :9])
    assert array.reads.total() == 1
    assert volume.data.cache.n_bytes == 0


@pytest.mark.parametrize("axes", ["czyx", "zyxc", "zcyx"])
@pytest.mark.parametrize("channel", [None, 1])
def test_patches_are_the_same_with_any_place_of_the_channels(axes, channel):
    values = np.moveaxis(np.stack([VALUES[:9, :9, :9], VALUES[9:18, 9:18, 9:18]]), 0, axes.index("c"))
    volume = open_volume(Counted(values, (2, 3, 4, 5)), axes=axes)
    box = Box((1, 2, 3), (8, 9, 7))
    plain, kept = (PatchReader(v, channel=channel).read(box) for v in (volume, cached(volume, 10**6)))
    np.testing.assert_array_equal(kept, plain)
    expected = np.moveaxis(values, axes.index("c"), 0)[(slice(None), *box.slices)]
    np.testing.assert_array_equal(kept, expected if channel is None else expected[[channel]])


def test_a_chosen_time_is_cached_too(tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", data=VALUES, chunks=(1, 8, 8))
    volume = cached(at(open_volume(array, axes="tyx"), t=7), 10**6)
    assert isinstance(volume.data, CachedData)
    np.testing.assert_array_equal(volume.data[3:17], VALUES[7, 3:17])


def test_missing_and_damaged_chunks_are_reported_through_the_cache(tmp_path):
    path = tmp_path / "a.zarr"
    zarr.create_array(path, data=VALUES, chunks=(8, 8, 8))
    (path / "c/0/0/0").unlink()
    (path / "c/1/0/0").write_bytes(b"damaged")
    volume = cached(open_volume(path), 10**6)
    reader = PatchReader(volume)
    assert not reader.read(Box((0, 0, 0), (4, 4, 4))).any()
    with pytest.raises(VolumeError, match=r"chunk \(1, 0, 0\) of a\.zarr cannot be read .*the box z 6:12"):
        reader.read(Box((6, 0, 0), (12, 4, 4)))
    again = with_chunk_policy(volume, damaged_chunks="fill")
    assert not again.data[6:12, :4, :4].any()
    assert ChunkFaults.of(volume) == ChunkFaults(missing=frozenset({(0, 0, 0)}))
    assert ChunkFaults.of(again) == ChunkFaults(frozenset({(0, 0, 0)}), frozenset({(1, 0, 0)}))


def test_the_cache_stays_behind_when_the_volume_travels(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=VALUES, chunks=(8, 8, 8))
    volume = cached(open_volume(tmp_path / "a.zarr"), 10**6)
    volume.data[...]
    assert volume.data.cache.n_bytes == VALUES.nbytes
    travelled = pickle.loads(pickle.dumps(volume))
    assert (travelled.data.cache.n_bytes, travelled.data.cache.budget_bytes) == (0, 10**6)
    assert len(pickle.dumps(volume)) < VALUES.nbytes // 4
    np.testing.assert_array_equal(travelled.data[...], VALUES)


def test_many_threads_read_the_same_voxels_and_decode_once(tmp_path):
    array = Counted(VALUES, (8, 8, 8))
    volume = cached(open_volume(array), VALUES.nbytes)
    patches = list(boxes(VALUES.shape, (12, 12, 12), (4, 4, 4)))
    reader = PatchReader(volume)
    with ThreadPoolExecutor(6) as pool:
        for box, patch in zip(patches, pool.map(reader.read, patches), strict=True):
            np.testing.assert_array_equal(patch[0], VALUES[box.slices])
    assert set(array.reads.values()) == {1}
