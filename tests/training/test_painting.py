"""A painting is an array of any size that holds what is painted, on the disk and in memory."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.errors import OutputExistsError, SettingsError, StorageError, VolumeError
from napari_seamless.sinks.whole_file import WholeFiles
from napari_seamless.training.canvas import Canvas
from napari_seamless.training.chunk_files import ChunkFiles
from napari_seamless.training.chunk_memory import ChunkMemory
from napari_seamless.training.painting import Painting, corrections_folder
from napari_seamless.types import Box

CLASSES = ("background", "cell", "gap")
HUGE = Canvas(shape=(10**4,) * 3, axes=("z", "y", "x"), spacing=(1.0,) * 3, classes=CLASSES)


def canvas(*shape: int, classes: tuple[str, ...] = CLASSES) -> Canvas:
    return Canvas(shape=shape, axes=tuple("zyx"[-len(shape) :]), spacing=(1.0,) * len(shape), classes=classes)


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in (folder / "c").rglob("*") if path.is_file())


@st.composite
def keys(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Draw integers and slices, or coordinates of points."""
    if draw(st.booleans()):
        n = draw(st.integers(0, 6))
        rows = (st.lists(st.integers(-length, length - 1), min_size=n, max_size=n) for length in shape)
        return tuple(np.array(draw(row), dtype=np.int64) for row in rows)
    entries = (
        st.integers(-length, length - 1) | st.slices(length).filter(lambda s: s.step is None or s.step > 0)
        for length in shape
    )
    return tuple(draw(entry) for entry in entries)


class TestArray:
    """It reads and writes as NumPy does."""

    @given(data=st.data())
    def test_every_key_reads_and_paints_as_in_numpy(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        shape = (70, 9, 130)
        expected = np.zeros(shape, np.uint8)
        folder = tmp_path_factory.mktemp("painted") / "a.corrections.zarr"
        with Painting(folder, canvas(*shape)) as painting:
            for _ in range(data.draw(st.integers(1, 4))):
                key = data.draw(keys(shape))
                values = data.draw(st.integers(0, 3)) * np.ones_like(expected[key])
                if data.draw(st.booleans()):
                    values = (np.arange(values.size) % 4).reshape(values.shape).astype(np.uint8)
                painting[key] = expected[key] = values
                other = data.draw(keys(shape))
                np.testing.assert_array_equal(painting[other], expected[other])
            np.testing.assert_array_equal(np.asarray(painting), expected)
            assert painting.n_painted == {
                k: int((expected == k + 1).sum()) for k in range(3) if (expected == k + 1).any()
            }
        np.testing.assert_array_equal(zarr.open_array(folder, mode="r")[:], expected)
        with Painting(folder, canvas(*shape)) as again:
            np.testing.assert_array_equal(again[...], expected)
            for box, values in again.painted():
                np.testing.assert_array_equal(values, expected[box.slices])

    def test_the_last_of_two_values_for_one_voxel_stays(self, tmp_path: Path) -> None:
        with Painting(tmp_path / "a.zarr", canvas(100, 100)) as painting:
            painting[[3, 99, 3], [4, 99, 4]] = np.array([1, 2, 3])
            assert (painting[3, 4], painting[99, 99]) == (3, 2)

    @pytest.mark.parametrize("key", [(0, 0, 0), 100, (0, 100), (slice(None, None, -1), 0), np.ones((100, 100), bool)])
    def test_other_keys_are_refused(self, key: Any, tmp_path: Path) -> None:
        with Painting(tmp_path / "a.zarr", canvas(100, 100)) as painting:
            with pytest.raises(IndexError):
                painting[key]
            with pytest.raises(IndexError):
                painting[key] = 1

    @pytest.mark.parametrize(("value", "said"), [(4, "got 4"), (-1, "got -1"), (1.5, "whole numbers")])
    def test_values_that_are_no_class_are_refused(self, value: float, said: str, tmp_path: Path) -> None:
        with Painting(tmp_path / "a.zarr", canvas(100, 100)) as painting:
            with pytest.raises(SettingsError, match=said):
                painting[0, 0] = value
            assert painting.n_painted == {}


class TestSize:
    """10^12 voxels cost what is painted on them."""

    def test_only_painted_chunks_exist(self, tmp_path: Path) -> None:
        with Painting(tmp_path / "a.zarr", HUGE) as painting:
            painting[5000, 6390:6410, 10] = 2
            painting[9999, 9999, 9999] = 0
            painting[0:200, 0:200, 0:200] = 0
            painting.flush()
            assert files_of(tmp_path / "a.zarr") == ["c/78/100/0", "c/78/99/0"]
            assert [box for box, _ in painting.painted()] == [
                Box((4992, 6336, 0), (5056, 6400, 64)),
                Box((4992, 6400, 0), (5056, 6464, 64)),
            ]

    def test_what_is_erased_leaves_no_file(self, tmp_path: Path) -> None:
        with Painting(tmp_path / "a.zarr", HUGE) as painting:
            painting[5000, 6000:6010, 10] = 2
            painting.flush()
            painting[5000, 6000:6010, 10] = 0
            painting.flush()
            assert files_of(tmp_path / "a.zarr") == []
            assert list(painting.painted()) == []

    def test_it_never_becomes_one_array(self, tmp_path: Path) -> None:
        with Painting(tmp_path / "a.zarr", HUGE) as painting, pytest.raises(SettingsError, match="read a part"):
            np.asarray(painting)

    def test_a_slice_and_a_stroke_are_quick(self, tmp_path: Path) -> None:
        """The best of some attempts, for others may use the machine."""
        rng = np.random.default_rng(0)
        with Painting(tmp_path / "a.zarr", HUGE) as painting:
            points = (np.full(10**4, 5000), *(4000 + rng.integers(0, 110, 10**4) for _ in range(2)))
            strokes = [_seconds(lambda k=k: painting.__setitem__(points, k % 3 + 1)) for k in range(20)]
            slices = [_seconds(lambda: painting[5000, 3000:5000, 3000:5000]) for _ in range(20)]
        assert min(strokes) < 0.005
        assert min(slices) < 0.020

    def test_chunks_on_the_disk_leave_the_memory(self, tmp_path: Path) -> None:
        files = ChunkFiles(tmp_path / "a.zarr", HUGE)
        memory = ChunkMemory(files, pytest.fail, budget_bytes=3 * 64**3)
        for i in range(10):
            with memory.lock:
                memory.change((i, 0, 0))[0, 0, 0] = 1
        memory.flush()
        memory.end()
        assert memory.n_held <= 3
        assert len(files_of(tmp_path / "a.zarr")) == 10


def _seconds(call: Any) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


class TestDisk:
    """What is painted is saved by itself, and is not lost where it cannot be."""

    def test_it_is_saved_within_a_second_without_being_asked(self, tmp_path: Path) -> None:
        with Painting(tmp_path / "a.zarr", HUGE) as painting:
            painting[1, 2, 3] = 3
            time.sleep(1)
            assert painting.n_unsaved == 0
            assert zarr.open_array(tmp_path / "a.zarr", mode="r")[1, 2, 3] == 3

    def test_a_full_disk_is_told_once_and_nothing_is_lost(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[StorageError] = []
        monkeypatch.setattr("napari_seamless.training.chunk_memory.RETRY_S", 0.05)
        with Painting(tmp_path / "a.zarr", HUGE, on_error=told.append) as painting:
            with monkeypatch.context() as full:
                full.setattr(WholeFiles, "write", _no_space)
                painting[1, 2, 3] = 1
                time.sleep(1)
                painting[1, 2, 1000] = 2
                with pytest.raises(StorageError, match=r"No space left on device.*free some space"):
                    painting.flush()
                with pytest.raises(StorageError):
                    painting.close()
                assert painting.failure is not None
                assert (painting[1, 2, 3], painting[1, 2, 1000]) == (1, 2)
            assert len(told) == 1
            painting.flush()
            assert (painting.failure, painting.n_unsaved) == (None, 0)
        with Painting(tmp_path / "a.zarr", HUGE) as again:
            assert (again[1, 2, 3], again[1, 2, 1000]) == (1, 2)

    def test_a_folder_that_cannot_be_written_is_refused_before_the_first_stroke(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Painting(tmp_path / "a.zarr", HUGE).close()

        def read_only(*_: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(Path, "write_bytes", read_only)
        with pytest.raises(StorageError, match=r"a\.zarr cannot be written \(Read-only file system\); choose a folder"):
            Painting(tmp_path / "a.zarr", HUGE)

    def test_a_file_in_the_way_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StorageError, match="cannot be written"):
            Painting(tmp_path / "file" / "a.zarr", HUGE)

    def test_a_damaged_chunk_is_named(self, tmp_path: Path) -> None:
        with Painting(tmp_path / "a.zarr", HUGE) as painting:
            painting[1, 2, 3] = 1
        (tmp_path / "a.zarr/c/0/0/0").write_bytes(b"nothing")
        with (
            Painting(tmp_path / "a.zarr", HUGE) as painting,
            pytest.raises(VolumeError, match="c/0/0/0 cannot be read"),
        ):
            painting[1, 2, 3]

    def test_after_closing_nothing_is_taken(self, tmp_path: Path) -> None:
        painting = Painting(tmp_path / "a.zarr", HUGE)
        painting.close()
        painting.close()
        with pytest.raises(StorageError, match="closed"):
            painting[0, 0, 0] = 1

    def test_one_holds_it_at_a_time(self, tmp_path: Path) -> None:
        with (
            Painting(tmp_path / "a.zarr", HUGE),
            pytest.raises(OutputExistsError, match="open elsewhere"),
        ):
            Painting(tmp_path / "a.zarr", HUGE)
        Painting(tmp_path / "a.zarr", HUGE).close()


class TestBelonging:
    """Corrections belong to one volume and its classes."""

    def test_another_shape_is_refused(self, tmp_path: Path) -> None:
        Painting(tmp_path / "a.zarr", canvas(10, 20)).close()
        with pytest.raises(SettingsError, match=r"shape \(10, 20\), but this one has \(10, 21\)"):
            Painting(tmp_path / "a.zarr", canvas(10, 21))

    def test_other_classes_are_refused_and_more_are_taken(self, tmp_path: Path) -> None:
        Painting(tmp_path / "a.zarr", canvas(10, 20)).close()
        with pytest.raises(SettingsError, match="painted for the classes background, cell, gap"):
            Painting(tmp_path / "a.zarr", canvas(10, 20, classes=("background", "nerve")))
        Painting(tmp_path / "a.zarr", canvas(10, 20, classes=(*CLASSES, "nerve"))).close()
        with pytest.raises(SettingsError, match="gap, nerve"):
            Painting(tmp_path / "a.zarr", canvas(10, 20, classes=(*CLASSES, "vessel")))

    @pytest.mark.parametrize("kind", ["folder", "group"])
    def test_a_folder_of_something_else_is_refused(self, kind: str, tmp_path: Path) -> None:
        (tmp_path / "a.zarr").mkdir()
        (tmp_path / "a.zarr/notes.txt").write_text("mine")
        if kind == "group":
            zarr.create_group(tmp_path / "a.zarr", overwrite=False)
        with pytest.raises(SettingsError, match="holds no corrections"):
            Painting(tmp_path / "a.zarr", canvas(10, 20))
        assert (tmp_path / "a.zarr/notes.txt").read_text() == "mine"

    @pytest.mark.parametrize(
        ("volume", "folder"),
        [
            ("a/brain.ome.zarr", "a/brain.corrections.zarr"),
            ("brain.nii.gz", "brain.corrections.zarr"),
            ("x.tif", "x.corrections.zarr"),
        ],
    )
    def test_the_folder_lies_beside_the_volume(self, volume: str, folder: str) -> None:
        assert corrections_folder(volume) == Path(folder)


def _no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_naparis_brush_fill_and_undo_do_what_they_do_to_an_array(tmp_path: Path) -> None:
    layers = pytest.importorskip("napari.layers")
    expected = np.zeros((200, 300, 300), np.uint8)
    with Painting(tmp_path / "a.zarr", canvas(200, 300, 300)) as painting:
        for data in (painting, expected):
            layer = layers.Labels(data)
            layer.brush_size = 10
            layer.paint((100, 150, 150), 2)
            layer.fill((100, 0, 0), 3)
            layer.paint((100, 155, 150), 1)
            layer.fill((100, 155, 150), 2)
            layer.undo()
        assert expected.any()
        np.testing.assert_array_equal(painting[...], expected)
        assert list(painting.n_painted) == [0, 1, 2]
