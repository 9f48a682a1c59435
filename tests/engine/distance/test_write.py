"""Maps that are written chunk by chunk: the values of maps in memory, within the budget, complete or not there."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest
import zarr

from napari_seamless import Control, open_volume, signed_distance_map
from napari_seamless.engine.distance import DistanceSettings, write_distance_map
from napari_seamless.engine.distance.layout import Layout
from napari_seamless.engine.events import Progress, Warned
from napari_seamless.errors import OutputExistsError, RunCancelledError, SettingsError, StorageError, VolumeError
from napari_seamless.sinks import OmeZarrSink


def random_labels(shape, seed=0, part=0.02):
    rng = np.random.default_rng(seed)
    return ((rng.random(shape) < part) + 2 * (rng.random(shape) < part / 2)).astype(np.uint8)


def written(labels, path, **settings):
    return np.asarray(write_distance_map(labels, path, DistanceSettings(**settings)).volume.data[...])


@pytest.mark.parametrize("convention", ["published", "exact"])
@pytest.mark.parametrize("limit", [None, 2.5])
@pytest.mark.parametrize(
    ("shape", "chunk"),
    [((16, 16, 24), 8), ((13, 17, 20), 8), ((9, 20, 11), (4, 7, 11)), ((30, 41), 16), ((1, 33, 5), 16)],
)
def test_a_map_by_chunks_equals_the_map_in_memory(tmp_path, shape, chunk, limit, convention):
    labels = random_labels(shape)
    options = {"spacing": (2.0, 1.0, 1.0)[: len(shape)], "convention": convention, "max_distance": limit}
    found = written(labels, tmp_path / "map.zarr", chunk_size=chunk, threads=3, **options)
    np.testing.assert_array_equal(found, signed_distance_map(labels, **options))
    assert [path.name for path in tmp_path.iterdir()] == ["map.zarr"]


@pytest.mark.parametrize("limit", [None, 3.0])
def test_labels_in_a_store_are_read_by_their_own_chunks(tmp_path, limit):
    labels = random_labels((20, 33, 27)).astype(np.int32)
    labels[:, 15:] = 0  # chunks that the store leaves out
    source = zarr.create_array(
        tmp_path / "labels.zarr",
        shape=labels.shape,
        chunks=(5, 9, 30),
        dtype="i4",
        config={"write_empty_chunks": False},
    )
    source[...] = labels
    found = written(tmp_path / "labels.zarr", tmp_path / "map.zarr", chunk_size=8, max_distance=limit)
    np.testing.assert_array_equal(found, signed_distance_map(labels, max_distance=limit))


def test_uneven_voxel_sizes_agree_to_the_rounding_of_float32(tmp_path):
    labels = random_labels((21, 18, 25))
    options = {"spacing": (0.7, 0.31, 1.13), "classes": [1]}
    found = written(labels, tmp_path / "map.zarr", chunk_size=8, **options)
    np.testing.assert_allclose(found, signed_distance_map(labels, **options), rtol=1e-5, atol=1e-6)


def test_planes_larger_than_the_memory_have_a_pass_for_each_axis(tmp_path):
    labels = random_labels((5, 300, 310), part=0.0005)
    settings = DistanceSettings(classes=[1], memory_budget="1MiB", chunk_size=16)
    assert not Layout.of(open_volume(labels), settings, 1).whole_planes
    found = np.asarray(write_distance_map(labels, tmp_path / "map.zarr", settings).volume.data[...])
    np.testing.assert_array_equal(found, signed_distance_map(labels, classes=[1]))


class Ball:
    """A ball of ones in any shape, made where it is read."""

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
        axes = np.ogrid[tuple(slice(*s.indices(n)[:2]) for s, n in zip(key, self.shape, strict=True))]
        return (sum((axis - 60) ** 2 for axis in axes) < 50**2).astype(np.uint8)


@pytest.mark.parametrize("limit", [None, 4.0])
def test_memory_stays_within_the_budget(tmp_path, limit):
    budget, shape = 2**22, (160, 144, 128)
    settings = {"classes": [1], "memory_budget": budget, "chunk_size": 16, "max_distance": limit, "threads": 2}
    written(random_labels((8, 8, 8)), tmp_path / "first.zarr", **settings)  # imports, and what is made once
    tracemalloc.start()
    try:
        result = write_distance_map(
            open_volume(Ball(shape), axes="zyx"), tmp_path / "map.zarr", DistanceSettings(**settings)
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.prod(shape) * 4 > 2.5 * budget
    assert peak < budget
    depth = float(result.volume.data[0, 60, 60, 60])
    assert depth == (-4.0 if limit else -(50.0 - 1))


def test_the_output_says_where_it_lies_and_what_it_holds(tmp_path):
    labels = open_volume(
        random_labels((20, 70, 80)), spacing=(2, 0.5, 0.5), translation=(7, 8, 9), units="micrometer", name="cells"
    )
    write_distance_map(labels, tmp_path / "map.zarr", DistanceSettings(classes=[2, 1], chunk_size=16))
    volume = open_volume(tmp_path / "map.zarr")
    assert (volume.axes, volume.dtype) == (("c", "z", "y", "x"), np.float32)
    assert (volume.spacing, volume.translation) == ((2.0, 0.5, 0.5), (7.0, 8.0, 9.0))
    assert volume.units == ("micrometer",) * 3
    assert volume.channels == ("label 2", "label 1")
    assert len(volume.levels) > 1
    attributes = zarr.open_group(tmp_path / "map.zarr", mode="r").attrs.asdict()
    assert attributes["napari-seamless"]["complete"] is True
    assert attributes["napari-seamless"]["distance"]["classes"] == [2, 1]
    for channel, values in zip(attributes["ome"]["omero"]["channels"], np.asarray(volume.data[...]), strict=True):
        assert -channel["window"]["start"] == channel["window"]["end"] == np.abs(values).max()


def test_progress_ends_at_its_total_and_warnings_are_told(tmp_path):
    events = []
    write_distance_map(
        random_labels((20, 20, 20)),
        tmp_path / "map.zarr",
        DistanceSettings(spacing=(6, 1, 1), classes=[1, 9], chunk_size=8),
        on_event=events.append,
    )
    steps = [event for event in events if isinstance(event, Progress)]
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))
    assert ["coarser" in e.text or "label 9" in e.text for e in events if isinstance(e, Warned)] == [True, True]


@pytest.mark.parametrize("after", [0, 3, 12])
@pytest.mark.parametrize("limit", [None, 3.0])
def test_cancelled_work_leaves_nothing_and_keeps_what_was_there(tmp_path, after, limit):
    path = tmp_path / "map.zarr"
    before = written(random_labels((8, 8)), path)
    control = Control()

    def cancel(event):
        if isinstance(event, Progress) and event.done > after:
            control.cancel()

    settings = DistanceSettings(chunk_size=8, max_distance=limit, memory_budget="1MiB")
    with pytest.raises(RunCancelledError, match="nothing of it is left"):
        write_distance_map(
            random_labels((32, 33, 34)), path, settings, overwrite=True, on_event=cancel, control=control
        )
    assert [p.name for p in tmp_path.iterdir()] == ["map.zarr"]
    np.testing.assert_array_equal(np.asarray(open_volume(path).data[...]), before)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("seamless-distance")]


def test_a_disk_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise StorageError("The disk is full; free some space.")

    monkeypatch.setattr(OmeZarrSink, "write", refuse)
    with pytest.raises(StorageError, match="disk is full"):
        written(random_labels((20, 20)), tmp_path / "map.zarr")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_call_left_is_removed_by_the_next_one(tmp_path):
    for name in (".map.zarr-scratch-new-1234", ".map.zarr-scratch-5678"):
        (tmp_path / name / "0").mkdir(parents=True)
    written(random_labels((12, 12)), tmp_path / "map.zarr")
    assert [path.name for path in tmp_path.iterdir()] == ["map.zarr"]


def test_an_output_that_is_there_stays_unless_it_may_be_replaced(tmp_path):
    labels, path = random_labels((12, 12)), tmp_path / "map.zarr"
    written(labels, path, classes=[1])
    with pytest.raises(OutputExistsError, match=r"map\.zarr exists"):
        write_distance_map(labels, path)
    write_distance_map(labels, path, DistanceSettings(classes=[2]), overwrite=True)
    assert open_volume(path).channels == ("label 2",)


def test_a_budget_that_holds_no_column_is_refused_before_anything_is_read(tmp_path):
    class Unread(Ball):
        def __getitem__(self, key):
            raise AssertionError("read")

    settings = DistanceSettings(classes=[1, 2], memory_budget="1MiB")
    with pytest.raises(SettingsError, match=r"memory_budget is 1 MiB, but 2 maps .* need \d+ MiB"):
        write_distance_map(open_volume(Unread((640, 640, 640)), axes="zyx"), tmp_path / "map.zarr", settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"chunk_size": 0}, "chunk_size .* got 0"),
        ({"chunk_size": (8, 8)}, "each of 3 spatial axes"),
        ({"memory_budget": "much"}, "memory_budget"),
        ({"memory_budget": 1000}, "at least 1 MiB"),
    ],
)
def test_settings_out_of_range_are_refused(tmp_path, settings, words):
    with pytest.raises(SettingsError, match=words):
        write_distance_map(random_labels((8, 8, 8)), tmp_path / "map.zarr", DistanceSettings(**settings))


def test_the_labels_themselves_are_never_the_output(tmp_path):
    path = tmp_path / "labels.zarr"
    zarr.create_array(path, shape=(8, 8), dtype="u1", chunks=(4, 4))[...] = 1
    with pytest.raises(SettingsError, match="must not be the input"):
        write_distance_map(path, path, overwrite=True)


def test_a_line_of_labels_has_no_map_on_disk(tmp_path):
    with pytest.raises(VolumeError, match="two or three spatial axes"):
        write_distance_map(np.arange(8) // 4, tmp_path / "map.zarr")
