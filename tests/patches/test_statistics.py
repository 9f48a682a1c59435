"""Statistics of a whole volume, whatever the blocks that it is read in."""

import json

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.errors import SettingsError, VolumeError
from napari_seamless.patches import Statistics, statistics, volume_statistics
from napari_seamless.types import Normalization
from napari_seamless.volume import at, open_volume

MINMAX, ZSCORE = Normalization(kind="minmax"), Normalization(kind="zscore")


class Recorded:
    """An array that remembers what was read."""

    def __init__(self, values, chunks=None):
        self.values, self.shape, self.dtype, self.keys = values, values.shape, values.dtype, []
        if chunks:
            self.chunks = chunks

    def __getitem__(self, key):
        self.keys.append(key)
        return self.values[key]


@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    chunks=st.none() | st.lists(st.integers(1, 5), min_size=3, max_size=3),
    room=st.integers(1, 900),
)
def test_independent_of_the_blocks(shape, chunks, room):
    values = np.random.default_rng(len(shape)).normal(1e6, 3, shape)
    array = Recorded(values, tuple(chunks[: len(shape)]) if chunks else None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "BLOCK_BYTES", 8 * room)
        volume = open_volume(array)
        minmax, zscore = (volume_statistics(volume, kind) for kind in (MINMAX, ZSCORE))
        read = np.zeros(shape, int)
        for key in array.keys:
            assert values[key].size <= room
            read[key] += 1
    assert (read == 2).all()  # once for each of the two
    assert minmax.offset == (values.min(),)
    assert zscore.offset[0] == pytest.approx(values.mean(), rel=1e-12)
    if values.size > 1:
        assert minmax.gain == (1 / np.ptp(values),)
        assert zscore.gain[0] == pytest.approx(1 / values.std(), rel=1e-6)


def test_blocks_are_whole_stored_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(statistics, "BLOCK_BYTES", 8 * 8 * 8 * 16)
    array = zarr.create_array(tmp_path / "a.zarr", shape=(20, 20, 20), chunks=(4, 4, 4), shards=(8, 8, 8), dtype="u1")
    array[...] = np.broadcast_to(np.arange(20, dtype=np.uint8), (20, 20, 20))
    starts = []
    volume = open_volume(tmp_path / "a.zarr")
    monkeypatch.setattr(type(volume.data), "__getitem__", lambda self, key: starts.append(key) or self.array[key])
    assert volume_statistics(volume, MINMAX) == Statistics(kind="minmax", offset=(0.0,), gain=(1 / 19,))
    assert all(s.start % 8 == 0 and (s.stop % 8 == 0 or s.stop == 20) for key in starts for s in key)
    assert [tuple(s.start for s in key) for key in starts] == sorted(tuple(s.start for s in key) for key in starts)


def test_blocks_of_a_chosen_time_are_whole_chunks_too(monkeypatch):
    monkeypatch.setattr(statistics, "BLOCK_BYTES", 8 * 32)
    array = Recorded(np.arange(2 * 8 * 8.0).reshape(2, 8, 8), chunks=(1, 4, 4))
    volume = at(open_volume(array, axes="tyx"), t=1)
    assert volume_statistics(volume, MINMAX).offset == (64.0,)
    assert array.keys == [(1, slice(a, a + 4, None), slice(0, 8, None)) for a in (0, 4)]


def test_channels_are_measured_alone():
    values = np.stack([np.full((4, 5), 7.0), np.arange(20.0).reshape(4, 5)], axis=-1)
    volume = open_volume(values, axes="yxc")
    both = volume_statistics(volume, ZSCORE)
    assert both.offset == (7.0, 9.5)
    assert both.gain == pytest.approx((1.0, 1 / np.arange(20).std()))
    assert volume_statistics(volume, MINMAX, channel=1) == Statistics(kind="minmax", offset=(0.0,), gain=(1 / 19,))


def test_large_mean_does_not_eat_a_small_deviation(monkeypatch):
    monkeypatch.setattr(statistics, "BLOCK_BYTES", 8 * 100)
    values = 1e9 + np.random.default_rng(0).normal(0, 1e-3, 5000)
    measured = volume_statistics(open_volume(values), ZSCORE)
    assert 1 / measured.gain[0] == pytest.approx(values.std(), rel=1e-3)


def test_none_reads_nothing():
    array = Recorded(np.zeros((4, 4)))
    assert volume_statistics(open_volume(array), Normalization()) == Statistics(kind="none")
    assert array.keys == []


def test_progress_and_errors_name_the_block(monkeypatch):
    monkeypatch.setattr(statistics, "BLOCK_BYTES", 8 * 16)
    values = np.zeros((4, 16))
    steps = []
    volume_statistics(open_volume(values), MINMAX, on_block=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    values[2, 3] = np.nan
    with pytest.raises(VolumeError, match=r"the box y 2:3, x 0:16 of array holds NaN"):
        volume_statistics(open_volume(values), MINMAX)


def test_survives_json():
    measured = Statistics(kind="zscore", offset=(0.1, 2.0), gain=(1 / 3, 1e-9))
    assert Statistics.from_dict(json.loads(json.dumps(measured.to_dict()))) == measured


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"kind": "minmax", "offset": [1.0]},
        {"kind": "minmax", "offset": [1.0], "gain": []},
        {"kind": "median", "offset": [1.0], "gain": [1.0]},
        {"kind": "minmax", "offset": [float("nan")], "gain": [1.0]},
        {"kind": "minmax", "offset": ["a"], "gain": [1.0]},
    ],
)
def test_damaged_statistics_are_refused(values):
    with pytest.raises(SettingsError, match="statistics"):
        Statistics.from_dict(values)
