"""Chunks that are missing from a store, or that cannot be decoded."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zarr

from napari_seamless.errors import VolumeError
from napari_seamless.patches import PatchReader
from napari_seamless.types import Box
from napari_seamless.volume import ChunkFaults, at, open_volume, with_chunk_policy

KINDS = {"v2": (2, None, "{0}.{1}.{2}"), "v3": (3, None, "c/{0}/{1}/{2}"), "sharded": (3, (8, 8, 8), "c/{0}/{1}/{2}")}


@pytest.fixture(params=KINDS)
def stored(request, tmp_path):
    """An array of chunks of 4 voxels (8 in a shard) without a zero, its folder, and where a stored unit lies."""
    zarr_format, shards, key = KINDS[request.param]
    values = np.random.default_rng(9).integers(1, 999, (16, 16, 16)).astype(np.uint16)
    path = tmp_path / "brain.zarr"
    zarr.create_array(path, data=values, chunks=(4, 4, 4), shards=shards, zarr_format=zarr_format)
    return path, values, lambda *index: path / key.format(*index)


def test_missing_chunk_reads_as_the_fill_value_and_is_remembered(stored):
    path, values, unit = stored
    unit(1, 0, 1).unlink()
    data = open_volume(path).data
    size = data.stored_chunks[0]
    expected = values.copy()
    expected[size : 2 * size, :size, size : 2 * size] = 0
    np.testing.assert_array_equal(data[...], expected)
    assert data.missing_chunks == ((1, 0, 1),)


def test_missing_chunk_is_noticed_from_one_of_its_voxels(stored):
    path, _, unit = stored
    unit(1, 0, 1).unlink()
    data = open_volume(path).data
    size = data.stored_chunks[0]
    assert data[0, 0, 0] > 0
    assert data.missing_chunks == ()
    assert data[size, 0, size] == 0
    assert data.missing_chunks == ((1, 0, 1),)


def test_missing_chunk_is_refused(stored):
    path, _, unit = stored
    unit(1, 1, 0).unlink()
    data = open_volume(path, missing_chunks="error").data
    np.testing.assert_array_equal(data[:4, :4], data.array[:4, :4])
    for _ in range(2):  # also from memory
        with pytest.raises(VolumeError, match=r"(chunk|shard) \(1, 1, 0\) of brain\.zarr is missing .*missing_chunks"):
            data[...]


def test_missing_chunk_is_ignored(stored):
    path, _, unit = stored
    unit(1, 1, 0).unlink()
    data = open_volume(path, missing_chunks="fill").data
    assert (data[...] == 0).any()
    assert data.missing_chunks == ()


def test_policy_can_be_changed_later(stored):
    path, _, unit = stored
    unit(0, 0, 0).unlink()
    volume = with_chunk_policy(open_volume(path, axes="tyx"), "error")
    with pytest.raises(VolumeError, match="is missing"):
        volume.data[0]
    chosen = at(open_volume(path, axes="tyx"), t=0)
    assert chosen.data[0, 0] == 0
    assert chosen.data.missing_chunks == ((0, 0, 0),)
    with pytest.raises(VolumeError, match="is missing"):
        with_chunk_policy(chosen, "error").data[0]


def test_open_volume_changes_the_policy_of_a_volume(stored):
    path, _, unit = stored
    unit(0, 0, 0).unlink()
    volume = open_volume(path)
    assert open_volume(volume) is volume
    strict = open_volume(volume, missing_chunks="error")
    for again in (strict, open_volume(strict), open_volume(strict, spacing=2)):
        with pytest.raises(VolumeError, match="is missing"):
            again.data[0]
    filled = open_volume(strict, missing_chunks="fill", name="filled")
    assert not filled.data[0, 0, 0]
    assert filled.name == "filled"


def test_zeros_that_are_stored_are_not_missing(tmp_path):
    path = tmp_path / "zeros.zarr"
    array = zarr.create_array(path, shape=(8, 8), chunks=(4, 4), dtype="f4", config={"write_empty_chunks": True})
    array[...] = 0
    data = open_volume(path, missing_chunks="error").data
    assert not data[...].any()


def test_fill_value_of_nan_is_recognised(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(8, 8), chunks=(4, 4), dtype="f4", fill_value=np.nan)[:4] = 1
    data = open_volume(tmp_path / "a.zarr").data
    assert np.isnan(data[4:]).all()
    assert data.missing_chunks == ((1, 0), (1, 1))


def test_damaged_chunk_is_named(stored):
    path, values, unit = stored
    unit(1, 0, 1).write_bytes(b"this is no compressed data at all")
    data = open_volume(path).data
    np.testing.assert_array_equal(data[:4], values[:4])
    key = str(unit(1, 0, 1).relative_to(path))
    with pytest.raises(
        VolumeError, match=rf"chunk \(\d, 0, \d\) of brain\.zarr .*cannot be read .*restore '{key}'"
    ) as e:
        data[...]
    assert e.value.__cause__ is not None


def test_cut_off_chunk_is_named(stored):
    path, _, unit = stored
    unit(0, 1, 1).write_bytes(unit(0, 1, 1).read_bytes()[:40])
    with pytest.raises(VolumeError, match=r"of brain\.zarr .*cannot be read"):
        open_volume(path).data[...]


def damage(path):
    path.write_bytes(b"this is no compressed data at all")


def test_damaged_chunks_are_filled_by_choice_and_remembered(stored):
    path, values, unit = stored
    damage(unit(1, 0, 1))
    volume = open_volume(path, damaged_chunks="fill")
    size = volume.data.stored_chunks[0]
    expected = values.copy()
    expected[size : 2 * size, :size, size : 2 * size] = 0
    np.testing.assert_array_equal(volume.data[...], expected)
    np.testing.assert_array_equal(volume.data[1:15:3, 2, ::2], expected[1:15:3, 2, ::2])
    assert volume.data.missing_chunks == ()
    bad = {tuple(i * 4 // size for i in index) for index in volume.data.damaged_chunks}
    assert bad == {(1, 0, 1)}
    assert len(volume.data.damaged_chunks) == (size // 4) ** 3


def test_one_damaged_chunk_inside_a_shard_is_filled_alone(tmp_path):
    path = tmp_path / "brain.zarr"
    values = np.random.default_rng(9).integers(1, 999, (8, 8, 8)).astype(np.uint16)
    zarr.create_array(path, data=values, chunks=(4, 4, 4), shards=(8, 8, 8))
    shard = path / "c/0/0/0"
    content = bytearray(shard.read_bytes())
    content[:16] = b"0123456789abcdef"  # the first chunk in the file; the index lies at its end
    shard.write_bytes(content)
    data = open_volume(path, damaged_chunks="fill").data
    read = data[...]
    (index,) = data.damaged_chunks
    where = tuple(slice(4 * i, 4 * i + 4) for i in index)
    assert not read[where].any()
    read[where] = values[where]
    np.testing.assert_array_equal(read, values)
    with pytest.raises(VolumeError, match=rf"chunk \({index[0]}, .* \(in shard \(0, 0, 0\)\) cannot be read"):
        open_volume(path).data[...]


def test_a_fill_value_of_its_own_replaces_what_is_damaged(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=np.ones((4, 4), "f4"), chunks=(2, 4), fill_value=-7)
    damage(tmp_path / "a.zarr/c/1/0")
    data = open_volume(tmp_path / "a.zarr", damaged_chunks="fill").data
    np.testing.assert_array_equal(data[...], [[1] * 4, [1] * 4, [-7] * 4, [-7] * 4])


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), OSError(24, "too many open files"), TimeoutError()])
def test_a_store_that_does_not_answer_is_no_damage(error):
    class Silent(zarr.storage.WrapperStore):
        async def get(self, key, prototype, byte_range=None):
            if key.startswith("c/1"):
                raise error
            return await super().get(key, prototype, byte_range)

    store = zarr.storage.MemoryStore()
    zarr.create_array(store, data=np.ones((4, 4), "f4"), chunks=(2, 4))
    data = open_volume(zarr.open_array(Silent(store), mode="r"), damaged_chunks="fill").data
    assert data[:2].all()
    with pytest.raises(VolumeError, match=r"chunk \(1, 0\) .*cannot be read"):
        data[...]
    assert data.damaged_chunks == ()


def test_a_store_that_fails_once_is_asked_again():
    failures = [OSError(5, "once")]

    class Shaky(zarr.storage.WrapperStore):
        async def get(self, key, prototype, byte_range=None):
            if key.startswith("c/1") and failures:
                raise failures.pop()
            return await super().get(key, prototype, byte_range)

    store = zarr.storage.MemoryStore()
    zarr.create_array(store, data=np.ones((4, 4), "f4"), chunks=(2, 4))
    assert open_volume(zarr.open_array(Shaky(store), mode="r")).data[...].all()
    assert failures == []


def test_the_answer_to_damage_can_be_changed_and_travels(stored):
    path, _, unit = stored
    damage(unit(0, 0, 0))
    volume = open_volume(open_volume(path), damaged_chunks="fill")
    chosen = at(open_volume(volume, axes="tyx"), t=0)
    for data in (volume.data, pickle.loads(pickle.dumps(volume)).data, open_volume(volume, missing_chunks="fill").data):
        assert data[0, 0, 0] == 0
        assert (0, 0, 0) in data.damaged_chunks
    assert chosen.data[0, 0] == 0
    assert (0, 0, 0) in chosen.data.damaged_chunks
    with pytest.raises(VolumeError, match="cannot be read"):
        with_chunk_policy(volume, damaged_chunks="error").data[0]


def test_an_unknown_answer_to_damage_is_refused(tmp_path):
    with pytest.raises(VolumeError, match='damaged_chunks must be "error" or "fill", got \'skip\''):
        open_volume(tmp_path, damaged_chunks="skip")


def test_faults_are_told_in_sentences():
    faults = ChunkFaults(damaged=frozenset((i, 0) for i in range(5)))
    assert list(ChunkFaults().sentences("brain")) == []
    (damaged,) = faults.sentences("brain")
    assert damaged.startswith(
        "5 chunks of brain cannot be decoded and were read as its fill value: (0, 0), (1, 0), (2, 0"
    )
    assert "2 more" in damaged
    both = faults | ChunkFaults(frozenset({(3,)}), frozenset({(9, 9)}))
    missing, damaged = both.sentences("brain")
    assert missing.startswith("1 chunk of brain is not in its store and was read as its fill value: (3,);")
    assert damaged.startswith("6 chunks")


def test_level_and_box_are_named_too(tmp_path):
    group = zarr.create_group(tmp_path / "brain.zarr")
    group.create_array("0", data=np.ones((8, 8), "u1"), chunks=(4, 4))
    axes = [{"name": a, "type": "space"} for a in "yx"]
    scale = [{"type": "scale", "scale": [1, 1]}]
    image = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}
    (tmp_path / "brain.zarr/0/c/1/0").write_bytes(b"damaged")
    reader = PatchReader(open_volume(tmp_path / "brain.zarr"))
    assert reader.read(Box((0, 0), (4, 8))).sum() == 32
    with pytest.raises(VolumeError, match=r"chunk \(1, 0\) of brain\.zarr/0 .*the box y 2:6, x 0:4 of brain"):
        reader.read(Box((2, 0), (6, 4)))


class CountingStore(zarr.storage.WrapperStore):
    """Count how often each chunk is read and looked up."""

    def __init__(self, store):
        super().__init__(store)
        self.reads, self.lookups, self._count_lock = [], [], threading.Lock()

    async def get(self, key, prototype, byte_range=None):
        with self._count_lock:
            self.reads.append(key)
        return await super().get(key, prototype, byte_range)

    async def exists(self, key):
        with self._count_lock:
            self.lookups.append(key)
        return await super().exists(key)


def test_chunks_are_looked_up_once_and_only_when_empty():
    values = np.ones((8, 8), np.uint8)
    values[:4, :4] = 0
    store = CountingStore(zarr.storage.MemoryStore())
    array = zarr.create_array(store, data=values, chunks=(4, 4))
    data = open_volume(array).data
    store.lookups.clear()
    for _ in range(3):
        data[...]
    assert store.lookups == ["c/0/0"]


def test_many_threads_read_the_same_numbers(stored):
    path, _, unit = stored
    unit(1, 1, 1).unlink()
    data = open_volume(path).data
    expected = open_volume(path).data[...]
    boxes = [tuple(slice(a, a + 7) for a in start) for start in np.random.default_rng(1).integers(0, 9, (60, 3))]
    with ThreadPoolExecutor(6) as pool:
        for box, part in zip(boxes, pool.map(data.__getitem__, boxes), strict=True):
            np.testing.assert_array_equal(part, expected[box])
    assert set(data.missing_chunks) <= {(1, 1, 1)}
