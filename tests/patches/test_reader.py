"""Reading a box equals slicing NumPy, whatever the axes and the store."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import dask.array as da
import numpy as np
import pytest
import torch
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.errors import AxesError, SettingsError, VolumeError
from napari_seamless.patches import PatchReader, Statistics, volume_statistics
from napari_seamless.types import Box, Normalization
from napari_seamless.volume import open_volume

KINDS = {
    "numpy": lambda a: a,
    "dask": lambda a: da.from_array(a, chunks=3),
    "torch": torch.from_numpy,
    "zarr": lambda a: zarr.create_array(zarr.storage.MemoryStore(), data=a, chunks=(2,) * a.ndim),
}


@st.composite
def cases(draw):
    """A source of any kind with axes in any order, a box inside it, a channel or all, and the numbers it holds."""
    spatial = draw(st.permutations("zyx"))[: draw(st.integers(1, 3))]
    others = draw(st.lists(st.sampled_from("ctb"), unique=True))
    axes = draw(st.permutations([*spatial, *others]))
    shape = [1 if axis in "tb" else draw(st.integers(1, 6)) for axis in axes]
    dtype = draw(st.sampled_from([np.uint8, np.int16, np.float32, np.float64]))
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 100, shape).astype(dtype)
    box = [
        sorted(draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True)))
        for a, n in zip(axes, shape, strict=True)
        if a not in "ctb"
    ]
    channel = draw(st.none() | st.integers(0, shape[axes.index("c")] - 1)) if "c" in axes else None
    kind = draw(st.sampled_from(sorted(KINDS)))
    return values, axes, Box(tuple(a for a, _ in box), tuple(b for _, b in box)), channel, kind


def by_einsum(values, axes, box, channel):
    """Bring the channel to the front and drop t and b by names alone, then slice."""
    named = values if "c" in axes else values[..., np.newaxis]
    names = [*axes] if "c" in axes else [*axes, "c"]
    spatial = [a for a in axes if a not in "ctb"]
    front = np.einsum(named, [ord(a) - 97 for a in names], [ord(a) - 97 for a in ["c", *spatial]])
    channels = slice(None) if channel is None else slice(channel, channel + 1)
    return front[(channels, *box.slices)].astype(np.float32)


@given(cases())
def test_read_equals_slicing_numpy(case):
    values, axes, box, channel, kind = case
    reader = PatchReader(open_volume(KINDS[kind](values), axes=axes), channel=channel)
    patch = reader.read(box)
    expected = by_einsum(values, axes, box, channel)
    np.testing.assert_array_equal(patch, expected)
    assert patch.dtype == np.float32
    assert patch.flags.c_contiguous
    assert patch.shape[0] == reader.n_channels
    assert not np.shares_memory(patch, values)


@pytest.mark.parametrize(("kind", "channel"), [*itertools.product(["minmax", "zscore"], [None, 1])])
def test_whole_volume_is_normalised_per_channel(kind, channel):
    values = np.random.default_rng(1).normal(50, 9, (2, 6, 7, 8))
    values[1] *= 3
    volume = open_volume(values, axes="czyx")
    normalization = Normalization(kind=kind)
    statistics = volume_statistics(volume, normalization, channel)
    patch = PatchReader(volume, channel=channel, normalization=normalization, statistics=statistics).read(
        Box((0, 0, 0), (6, 7, 8))
    )
    for part, source in zip(patch, values if channel is None else values[[channel]], strict=True):
        low, spread = (source.min(), np.ptp(source)) if kind == "minmax" else (source.mean(), source.std())
        np.testing.assert_allclose(part, (source - low) / spread, atol=2e-6)


def test_arithmetic_is_float32_of_rounded_offset_and_gain():
    values = np.random.default_rng(2).integers(0, 60000, (9, 9), dtype=np.uint16)
    statistics = Statistics(kind="minmax", offset=(1 / 3,), gain=(1 / 7,))
    patch = PatchReader(open_volume(values), normalization=Normalization(kind="minmax"), statistics=statistics).read(
        Box((0, 0), (9, 9))
    )
    expected = (values.astype(np.float32) - np.float32(1 / 3)) * np.float32(1 / 7)
    np.testing.assert_array_equal(patch[0], expected)


def test_constant_channel_is_shifted_to_zero():
    volume = open_volume(np.full((4, 4), 0.1))
    for kind in ("minmax", "zscore"):
        statistics = volume_statistics(volume, Normalization(kind=kind))
        assert statistics.gain == (1.0,)
        patch = PatchReader(volume, normalization=Normalization(kind=kind), statistics=statistics).read(
            Box((0, 0), (4, 4))
        )
        assert not patch.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_not_finite_is_refused_with_its_box(bad):
    values = np.zeros((6, 8))
    values[2, 5] = bad
    reader = PatchReader(open_volume(values, name="cells"))
    assert not reader.read(Box((3, 0), (6, 8))).any()
    with pytest.raises(VolumeError, match=r"the box y 0:3, x 4:8 of cells holds NaN, infinity"):
        reader.read(Box((0, 4), (3, 8)))


def test_large_values_whose_sum_overflows_are_finite():
    values = np.full((6, 8), 3e38)
    np.testing.assert_array_equal(PatchReader(open_volume(values)).read(Box((0, 0), (6, 8)))[0], np.float32(3e38))


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.uint64, np.int64])
def test_integers_that_scaling_makes_infinite_are_refused(dtype):
    values = np.ones((6, 8), dtype)
    volume, norm = open_volume(values, name="cells"), Normalization(kind="zscore")

    def read(gain):
        statistics = Statistics(kind="zscore", offset=(-1.0,), gain=(gain,))
        return PatchReader(volume, normalization=norm, statistics=statistics).read(Box((0, 0), (6, 8)))

    np.testing.assert_array_equal(read(1e38), np.float32(2) * np.float32(1e38))
    with pytest.raises(VolumeError, match="of cells holds NaN, infinity or values beyond float32"):
        read(3e38)


@given(cases())
def test_a_patch_is_written_into_a_batch(case):
    values, axes, box, channel, kind = case
    reader = PatchReader(open_volume(KINDS[kind](values), axes=axes), channel=channel)
    batch = np.full((3, reader.n_channels, *box.shape), np.nan, np.float32)
    reader.read_into(box, batch[1])
    np.testing.assert_array_equal(batch[1], by_einsum(values, axes, box, channel))
    assert np.isnan(batch[[0, 2]]).all()


@pytest.mark.parametrize("box", [Box((0, 0), (7, 8)), Box((-1, 0), (2, 2)), Box((3, 3), (3, 5)), Box((0,), (2,))])
def test_box_outside_is_refused(box):
    with pytest.raises(VolumeError, match=r"reaches outside|has 2 axes"):
        PatchReader(open_volume(np.zeros((6, 8)))).read(box)


def test_error_of_a_foreign_array_carries_the_box():
    class Broken:
        shape, dtype = (6, 8), np.dtype("u1")

        def __getitem__(self, key):
            raise OSError("the disk is gone")

    with pytest.raises(VolumeError, match=r"box y 1:2, x 3:4 of array cannot be read \(OSError: the disk is gone\)"):
        PatchReader(open_volume(Broken())).read(Box((1, 3), (2, 4)))


@pytest.mark.parametrize("axis", ["t", "b"])
def test_longer_time_must_be_chosen(axis):
    with pytest.raises(AxesError, match=rf"has 3 indices along {axis}; .*at\(volume, {axis}=0\)"):
        PatchReader(open_volume(np.zeros((3, 6, 8)), axes=f"{axis}yx"))


@pytest.mark.parametrize("channel", [-1, 2])
def test_channel_that_is_not_there(channel):
    with pytest.raises(AxesError, match=r"channel must be in 0\.\.1"):
        PatchReader(open_volume(np.zeros((2, 6, 8)), axes="cyx"), channel=channel)


@pytest.mark.parametrize(
    "statistics",
    [
        None,
        Statistics(kind="zscore", offset=(0.0,), gain=(1.0,)),
        Statistics(kind="minmax", offset=(0.0,) * 2, gain=(1.0,) * 2),
    ],
)
def test_statistics_must_fit(statistics):
    with pytest.raises(SettingsError, match="measure them with volume_statistics"):
        PatchReader(open_volume(np.zeros((6, 8))), normalization=Normalization(kind="minmax"), statistics=statistics)


def test_threads_read_the_same_numbers(tmp_path):
    values = np.random.default_rng(3).random((20, 20, 20), dtype=np.float32)
    zarr.create_array(tmp_path / "a.zarr", data=values, chunks=(7, 7, 7))
    reader = PatchReader(open_volume(tmp_path / "a.zarr"))
    boxes = [Box(tuple(s), tuple(s + 8)) for s in np.random.default_rng(4).integers(0, 12, (40, 3))]
    with ThreadPoolExecutor(6) as pool:
        for box, patch in zip(boxes, pool.map(reader.read, boxes), strict=True):
            np.testing.assert_array_equal(patch[0], values[box.slices])
