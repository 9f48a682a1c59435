"""Instances in a store: metadata, memory, events, refusals; complete or not there."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest
import zarr

from napari_seamless import Control, open_volume
from napari_seamless.engine.events import Progress, Warned
from napari_seamless.engine.instances import InstanceSettings, write_instances
from napari_seamless.errors import OutputExistsError, RunCancelledError, SettingsError, StorageError, VolumeError
from napari_seamless.instances import Numbering, number_type
from napari_seamless.sinks import OmeZarrSink

METHODS = ["components", "watershed"]


def random_labels(shape=(20, 22, 24), part=0.2):
    return (np.random.default_rng(5).random(shape) < part).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS)
def test_the_output_says_where_it_lies_and_what_it_holds(tmp_path, method):
    labels = open_volume(
        random_labels((20, 70, 80)), spacing=(2, 0.5, 0.5), translation=(7, 8, 9), units="micrometer", name="cells"
    )
    written = write_instances(labels, tmp_path / "cells.zarr", InstanceSettings(method=method, chunk_size=16))
    volume = open_volume(tmp_path / "cells.zarr")
    assert (volume.axes, volume.dtype, volume.is_labels) == (("z", "y", "x"), np.uint32, True)
    assert (volume.spacing, volume.translation) == ((2.0, 0.5, 0.5), (7.0, 8.0, 9.0))
    assert volume.units == ("micrometer",) * 3
    assert len(volume.levels) > 1
    assert set(np.unique(volume.levels[1].data[...])) <= set(range(written.count + 1))
    said = zarr.open_group(tmp_path / "cells.zarr", mode="r").attrs["napari-seamless"]
    assert said["complete"] is True
    assert (said["instances"]["method"], said["instances"]["count"]) == (method, written.count)
    assert written.count == int(np.max(volume.data[...]))


@pytest.mark.parametrize("method", METHODS)
def test_progress_ends_at_its_total(tmp_path, method):
    events = []
    settings = InstanceSettings(method=method, chunk_size=8, spacing=(6, 1, 1))
    write_instances(random_labels(), tmp_path / "cells.zarr", settings, on_event=events.append)
    steps = [event for event in events if isinstance(event, Progress)]
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))
    assert ["coarser" in e.text for e in events if isinstance(e, Warned)] == [True] * (method == "watershed")


@pytest.mark.parametrize("method", METHODS)
def test_no_foreground_gives_an_empty_output_that_says_so(tmp_path, method):
    written = write_instances(np.zeros((9, 9), np.int32), tmp_path / "cells.zarr", InstanceSettings(method=method))
    assert (written.count, written.dropped) == (0, 0)
    assert written.warnings == ("Every label is 0, which is background; there are no instances.",)
    assert not np.any(written.volume.data[...])


def test_an_output_without_an_instance_large_enough_says_so(tmp_path):
    written = write_instances(np.eye(9, dtype=np.uint8), tmp_path / "cells.zarr", InstanceSettings(min_size=2))
    assert (written.count, written.dropped) == (0, 9)
    assert "fewer than 2 voxels" in written.warnings[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("after", [0, 3, 40])
def test_cancelled_work_leaves_nothing_and_keeps_what_was_there(tmp_path, method, after):
    path = tmp_path / "cells.zarr"
    before = np.asarray(write_instances(np.eye(8, dtype=np.uint8), path).volume.data[...])
    control = Control()

    def cancel(event):
        if isinstance(event, Progress) and event.done > after:
            control.cancel()

    settings = InstanceSettings(method=method, chunk_size=8)
    with pytest.raises(RunCancelledError, match="nothing of them is left"):
        write_instances(random_labels((24, 24, 24)), path, settings, overwrite=True, on_event=cancel, control=control)
    assert [p.name for p in tmp_path.iterdir()] == ["cells.zarr"]
    np.testing.assert_array_equal(np.asarray(open_volume(path).data[...]), before)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("seamless-distance")]


def test_a_disk_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise StorageError("The disk is full; free some space.")

    monkeypatch.setattr(OmeZarrSink, "write", refuse)
    with pytest.raises(StorageError, match="disk is full"):
        write_instances(random_labels(), tmp_path / "cells.zarr")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_between_the_passes_is_a_sentence(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    with pytest.raises(StorageError, match=r"Pieces .*No space left on device.*free disk space"):
        write_instances(random_labels(), tmp_path / "cells.zarr")
    assert list(tmp_path.iterdir()) == []


class Balls:
    """Balls of radius 11 every 24 voxels, in any shape, made where they are read."""

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
        axes = np.ogrid[tuple(slice(*s.indices(n)[:2]) for s, n in zip(key, self.shape, strict=True))]
        return (sum((axis % 24 - 12) ** 2 for axis in axes) < 11**2).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS)
def test_memory_stays_within_the_budget(tmp_path, method):
    budget, shape = 2**22, (168, 144, 120)
    settings = InstanceSettings(method=method, memory_budget=budget, chunk_size=24, threads=2, label_value=1)
    write_instances(random_labels(), tmp_path / "first.zarr", InstanceSettings(method=method))  # imports
    tracemalloc.start()
    try:
        written = write_instances(open_volume(Balls(shape), axes="zyx"), tmp_path / "cells.zarr", settings)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.prod(shape) * 4 > 2.5 * budget
    assert peak < budget
    assert written.count == np.prod(shape) // 24**3


def test_numbers_need_as_many_bits_as_there_are_instances():
    assert [number_type(n) for n in (0, 2**32 - 1, 2**32)] == [np.uint32, np.uint32, np.uint64]
    nothing = np.empty(0, np.int64)
    assert Numbering.of(nothing, nothing, nothing, 1).count == 0


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"method": "magic"}, "method must be .* got 'magic'"),
        ({"label_value": 1.5}, "label_value .* got 1.5"),
        ({"connectivity": 4}, "connectivity .* got 4"),
        ({"min_size": 0}, "min_size .* got 0"),
        ({"min_distance": 3}, "min_distance is for the method"),
        ({"method": "watershed", "min_distance": -1}, "min_distance .* got -1"),
        ({"method": "watershed", "min_distance": "far"}, "min_distance .* got 'far'"),
        ({"spacing": 0}, "spacing .* got 0"),
        ({"memory_budget": "much"}, "memory_budget"),
        ({"chunk_size": 0}, "chunk_size .* got 0"),
        ({"threads": 0}, "threads .* got 0"),
    ],
)
def test_settings_out_of_range_are_refused(chosen, words):
    with pytest.raises(SettingsError, match=words):
        InstanceSettings(**chosen)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("labels", "chosen", "words"),
    [
        (np.zeros((8, 8), np.float32), {}, "integers or booleans, got float32"),
        (np.eye(8, dtype=np.uint8), {"label_value": 7}, "label_value is 7, but no voxel"),
        (np.eye(8, dtype=np.uint8), {"label_value": 256}, "label_value is 256, but labels are uint8"),
        (np.eye(8, dtype=np.uint8), {"connectivity": 3}, "connectivity must be at most 2"),
        (np.eye(8, dtype=np.uint8), {"chunk_size": (8, 8, 8)}, "chunk_size"),
        (np.arange(8) // 4, {}, "two or three spatial axes"),
        (np.zeros((80, 80, 80), np.uint8), {"memory_budget": "1MiB"}, r"1 MiB, .* need \d+ MiB"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path, method, labels, chosen, words):
    with pytest.raises((SettingsError, VolumeError), match=words):
        write_instances(labels, tmp_path / "cells.zarr", InstanceSettings(method=method, **chosen))
    assert list(tmp_path.iterdir()) == []


def test_more_pieces_than_the_memory_has_room_for_are_refused(tmp_path):
    settings = InstanceSettings(memory_budget="1MiB", chunk_size=16)
    labels = np.indices((26, 26, 26)).sum(0) % 2  # nothing touches by faces
    with pytest.raises(SettingsError, match=r"joining more than \d+ pieces"):
        write_instances(labels, tmp_path / "cells.zarr", settings)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_there_or_is_the_input_is_refused(tmp_path):
    path = tmp_path / "labels.zarr"
    zarr.create_array(path, shape=(8, 8), dtype="u1", chunks=(4, 4))[...] = 1
    with pytest.raises(OutputExistsError, match=r"labels\.zarr exists"):
        write_instances(np.eye(8, dtype=np.uint8), path)
    with pytest.raises(SettingsError, match="must not be the input"):
        write_instances(path, path, overwrite=True)
