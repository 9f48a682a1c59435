"""Meshes as files: complete under their name, or a sentence and nothing left."""

from __future__ import annotations

import builtins
import dataclasses
import errno
import os
from pathlib import Path

import numpy as np
import pytest
import trimesh
import zarr
from tests.engine.mesh.test_make import cubes
from tests.mesh.truth import random_labels

from napari_seamless import Control, open_volume
from napari_seamless.engine.events import Progress
from napari_seamless.engine.mesh import MeshSettings, make_meshes, write_meshes
from napari_seamless.errors import (
    AxesError,
    OutputExistsError,
    RunCancelledError,
    SeamlessError,
    SettingsError,
    StorageError,
    VolumeError,
)

SUFFIXES = [".obj", ".stl", ".ply", ".glb", ".vtp", ".precomputed"]
LABELS = cubes(np.uint8, 3, 5, side=5)


def write(data, path, *, settings=None, **options):
    return write_meshes(data, path, MeshSettings(**{"threads": 1, **(settings or {})}), **options)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def one_sentence(error: BaseException) -> str:
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    assert ". " not in text.replace("e.g. ", "")
    return text


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("each", [False, True])
def test_outputs_are_there_alone_and_the_table_tells_of_them(tmp_path, suffix, each):
    volume = open_volume(LABELS, units="micrometer", spacing=(2, 1, 1))
    written = write(volume, tmp_path / f"out{suffix}", each=each)
    folder = each and suffix != ".precomputed"
    assert [p.name for p in tmp_path.iterdir()] == ["out" if folder else f"out{suffix}"]
    assert written.path == str(next(tmp_path.iterdir()))
    assert [(row.label, row.name, row.error) for row in written.rows] == [(3, "label 3", 0), (5, "label 5", 0)]
    assert [row.measures for row in written.rows] == [m.measures for m in make_meshes(volume)]
    assert (written.unit, written.voxels, written.warnings) == ("micrometer", LABELS.size, ())
    assert {"faces", "surfaces", "total"} == set(written.seconds)
    assert written.peak_memory_bytes > 2**20
    if folder:
        assert sorted(files(tmp_path)) == [f"out/out_3{suffix}", f"out/out_5{suffix}"]


@pytest.mark.parametrize("suffix", [".obj", ".stl", ".ply", ".glb"])
def test_a_peer_reads_what_was_made(tmp_path, suffix):
    volume = open_volume(LABELS, spacing=(2, 1, 1), translation=(10, 20, 30))
    written = write(volume, tmp_path / f"out{suffix}", settings={"smoothing": 0})
    mesh = trimesh.load(tmp_path / f"out{suffix}", force="mesh")
    mesh.merge_vertices()
    scale = 1e3 if suffix == ".glb" and mesh.extents.max() < 1 else 1.0  # glTF has metres
    assert mesh.is_watertight
    assert len(mesh.faces) == sum(row.measures.triangles for row in written.rows)
    assert mesh.volume * scale**3 == pytest.approx(2 * 250, rel=1e-4)
    if scale == 1:
        low = np.min([row.measures.bounds[0] for row in written.rows], axis=0)
        np.testing.assert_allclose(mesh.bounds[0], low[::-1], atol=1e-4)


def test_each_file_has_the_name_of_its_label(tmp_path):
    volume = dataclasses.replace(open_volume(LABELS), label_names={3: "grey matter/left", 5: "../.."})
    write(volume, tmp_path / "a.ply", each=True)
    assert sorted(files(tmp_path)) == ["a/a_3_grey_matter_left.ply", "a/a_5.ply"]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bytes_do_not_depend_on_blocks_or_threads(tmp_path, suffix, threads):
    labels = random_labels((10, 11, 12), 0.4, 3, 2)
    write(labels, tmp_path / f"a{suffix}")
    write(labels, tmp_path / f"b{suffix}", settings={"block_size": 4, "threads": threads})
    a, b = ({n[1:]: v for n, v in files(tmp_path).items() if n[0] == k} for k in "ab")
    assert a == b


FLAT, IMAGE = np.ones((8, 9), np.uint8), np.ones((8, 8, 8), np.float32)
REFUSED = {
    "no label": (np.zeros((4, 5, 6), np.uint8), {}, VolumeError, ["no label but 0", "array"]),
    "missing": (LABELS, {"labels": [4, 9]}, VolumeError, ["label 4, 9", "mesh all"]),
    "missing of bool": (LABELS > 0, {"labels": [2]}, VolumeError, ["label 2"]),
    "level": (LABELS, {"scale": 2}, SettingsError, ["0 to 0", "got 2"]),
    "plane": (FLAT, {}, VolumeError, ["three spatial axes", "2"]),
    "floats": (IMAGE, {"kind": "labels"}, VolumeError, ["integers", "float32"]),
    "nothing above": (IMAGE * 0, {}, VolumeError, ["above", "0.5"]),
    "nothing below": (IMAGE, {"kind": "distance"}, VolumeError, ["below", "level 0"]),
    "all small": (LABELS, {"min_volume": 1e6}, VolumeError, ["2 surfaces", "1e+06"]),
    "region": (LABELS, {"region": "z=50:60"}, SeamlessError, ["50"]),
    "nothing above in integers": (LABELS, {"kind": "probabilities", "level": 100}, VolumeError, ["level 100", "255"]),
    "channel": (IMAGE, {"labels": [3]}, SettingsError, ["channels", "[3]"]),
    "block": (LABELS, {"block_size": 500, "memory_budget": "16MiB"}, SettingsError, ["16 MiB", "(500, 500, 500)"]),
    "values": (LABELS, {"values": {"d": FLAT}}, SettingsError, ["'d'", "three axes"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(tmp_path, name):
    data, settings, kind, facts = REFUSED[name]
    with pytest.raises(kind) as refused:
        write(data, tmp_path / "out.ply", settings=settings)
    text = one_sentence(refused.value)
    assert all(fact in text for fact in facts), text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("axes", ["tzyx", "bzyx", "czyx"])
def test_several_times_or_batches_are_refused_and_one_is_taken(tmp_path, axes):
    several = np.stack([LABELS, LABELS])
    with pytest.raises(AxesError, match=f"one position along {axes[0]}, and array has 2; choose one"):
        write(several, tmp_path / "out.ply", axes=axes, settings={"kind": "labels"})
    assert list(tmp_path.iterdir()) == []
    written = write(several[:1], tmp_path / "out.ply", axes=axes, settings={"kind": "labels"})
    assert [row.label for row in written.rows] == [3, 5]


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        ({"kind": "image"}, ["kind", "'image'"]),
        ({"kind": "labels", "level": 0.5}, ["level", "0.5"]),
        ({"level": float("nan")}, ["level", "nan"]),
        ({"labels": [1.5]}, ["labels", "1.5"]),
        ({"labels": [True]}, ["labels", "True"]),
        ({"labels": []}, ["labels", "[]"]),
        ({"triangles": 3}, ["triangles", "4", "3"]),
        ({"threads": 0}, ["threads", "0"]),
        ({"smoothing": -1}, ["smoothing", "-1"]),
        ({"scale": -1}, ["scale", "-1"]),
        ({"block_size": 0}, ["block_size", "0"]),
        ({"block_size": (4, 4)}, ["block_size", "(4, 4)"]),
        ({"spacing": (1, 0, 1)}, ["spacing", "0"]),
        ({"min_volume": -1}, ["min_volume", "-1"]),
        ({"max_error": 0}, ["max_error", "0"]),
        ({"memory_budget": "much"}, ["memory_budget", "much"]),
        ({"memory_budget": "1MiB"}, ["memory_budget", "16 MiB", "1MiB"]),
        ({"memory_budget": 2.5}, ["memory_budget", "2.5"]),
    ],
)
def test_settings_out_of_range_are_refused(settings, facts):
    with pytest.raises(SettingsError) as refused:
        MeshSettings(**settings)
    text = str(refused.value)
    assert text.endswith(".")
    assert all(fact in text for fact in facts), text


@pytest.mark.parametrize(
    ("name", "kind", "facts"),
    [
        ("out.stk", SettingsError, [*SUFFIXES, "out.stk"]),
        ("out", SettingsError, ["end in one of", "'out'"]),
        ("none/out.ply", StorageError, ["none", "does not exist"]),
        ("s3://bucket/out.ply", SettingsError, ["local", "s3://bucket/out.ply"]),
    ],
)
def test_a_wrong_name_is_refused(tmp_path, name, kind, facts):
    with pytest.raises(kind) as refused:
        write(LABELS, name if "://" in name else tmp_path / name)
    assert all(fact in one_sentence(refused.value) for fact in facts)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_exists_is_replaced_when_asked_and_by_nothing_that_failed(tmp_path, suffix, each):
    path = tmp_path / f"out{suffix}"
    write(LABELS, path, each=each)
    before = files(tmp_path)
    with pytest.raises(OutputExistsError, match="exists; choose another name, or say that it may be replaced"):
        write(LABELS, path, each=each)
    with pytest.raises(VolumeError):
        write(LABELS * 0, path, each=each, overwrite=True)
    assert files(tmp_path) == before
    write(LABELS[:, :, :8], path, each=each, overwrite=True)
    after = files(tmp_path)
    assert after != before
    assert not any("_5" in name for name in after)  # nothing of the old folder is among the new files
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_is_never_replaced_by_a_file(tmp_path):
    (tmp_path / "out.ply").mkdir()
    with pytest.raises(OutputExistsError, match="is a folder"):
        write(LABELS, tmp_path / "out.ply", overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["out.ply"]


def test_a_volume_is_never_replaced_by_its_meshes(tmp_path):
    zarr.create_array(tmp_path / "out.precomputed", data=LABELS)
    before = files(tmp_path)
    with pytest.raises(SeamlessError) as refused:
        write(tmp_path / "out.precomputed", tmp_path / "out.precomputed", overwrite=True)
    one_sentence(refused.value)
    assert files(tmp_path) == before


def test_a_folder_without_write_access_is_told(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(StorageError, match=r"out\.ply cannot be written \(Permission denied\)") as refused:
        write(LABELS, tmp_path / "out.ply")
    assert "write access" in one_sentence(refused.value)
    assert list(tmp_path.iterdir()) == []


class Full:
    """A file on a disk that has no room after some bytes."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, data):
        self._room -= memoryview(data).nbytes
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def fill_disk(monkeypatch, where, room):
    """Let every file that is written below a name of that kind run into a full disk."""
    own_open, built_in = Path.open, builtins.open

    def wraps(path, mode):
        return ("w" in mode or "+" in mode) and where in str(path)

    def opened(self, mode="r", *rest, **named):
        file = own_open(self, mode, *rest, **named)
        return Full(file, room) if wraps(self, mode) else file

    def opened_too(path, mode="r", *rest, **named):
        file = built_in(path, mode, *rest, **named)
        return Full(file, room) if wraps(path, mode) else file

    monkeypatch.setattr(Path, "open", opened)
    monkeypatch.setattr(builtins, "open", opened_too)


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_fills_up_while_the_file_is_written_keeps_what_was_there(tmp_path, monkeypatch, suffix, each):
    path = tmp_path / f"out{suffix}"
    write(LABELS, path, each=each)
    before = files(tmp_path)
    where = {".precomputed": "precomputed"}.get(suffix, "out_3" if each else "fresh")
    with monkeypatch.context() as patched:
        fill_disk(patched, where, room=100)
        with pytest.raises(StorageError, match="No space left on device") as refused:
            write(LABELS, path, each=each, overwrite=True)
    assert "free disk space" in one_sentence(refused.value)
    assert files(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("kind", ["labels", "probabilities"])
def test_a_disk_that_fills_up_with_faces_leaves_nothing(tmp_path, monkeypatch, kind):
    fill_disk(monkeypatch, "faces" if kind == "labels" else "crossings", room=300)
    with pytest.raises(StorageError, match="No space left on device"):
        write(LABELS, tmp_path / "out.ply", settings={"kind": kind, "level": None if kind == "labels" else 0.01})
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_sentence_for_meshes_in_memory_too(monkeypatch):
    fill_disk(monkeypatch, "faces", room=300)
    with pytest.raises(SeamlessError, match="No space left on device"):
        make_meshes(LABELS, MeshSettings(threads=1))


@pytest.mark.parametrize("suffix", [".ply", ".precomputed"])
@pytest.mark.parametrize("after", [0, 1, 5, -1])
def test_cancelled_work_leaves_nothing_and_keeps_what_was_there(tmp_path, suffix, after):
    path = tmp_path / f"out{suffix}"
    write(LABELS, path)
    before, control, steps = files(tmp_path), Control(), []

    def cancel(event):
        if isinstance(event, Progress):
            steps.append(event)
            if event.done > after if after >= 0 else event.done == event.total:
                control.cancel()

    with pytest.raises(RunCancelledError, match="cancelled; nothing of them is left"):
        write(LABELS, path, settings={"block_size": 5}, overwrite=True, on_event=cancel, control=control)
    assert steps
    assert files(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 1


def test_an_error_of_refinement_leaves_nothing(tmp_path):
    def refine(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write(LABELS, tmp_path / "out.ply", refine=refine)
    assert list(tmp_path.iterdir()) == []


def test_a_surface_beyond_the_budget_is_refused_with_what_it_needs(tmp_path):
    checks = np.indices((40, 40, 40)).sum(0) % 2
    with pytest.raises(SettingsError) as refused:
        write(checks.astype(np.uint8), tmp_path / "out.ply", settings={"memory_budget": "64MiB"})
    text = one_sentence(refused.value)
    assert all(fact in text for fact in ("64 MiB", "label 1", "192,000 faces", "117 MiB")), text
    assert list(tmp_path.iterdir()) == []


def test_surfaces_beyond_the_budget_for_one_file_are_written_one_each(tmp_path):
    n = 24
    labels = np.kron(np.arange(1, n**2 + 1).reshape(1, n, n), np.ones((40, 3, 3), int)).astype(np.uint16)
    settings = {"memory_budget": "16MiB", "block_size": 32}
    with pytest.raises(SettingsError, match=r"all must be held for one file; allow fewer triangles"):
        write(labels, tmp_path / "out.ply", settings=settings)
    assert list(tmp_path.iterdir()) == []
    written = write(labels, tmp_path / "out.ply", settings=settings, each=True)
    assert len(written.rows) == len(files(tmp_path)) == n**2


def test_the_default_suffix_may_be_in_capitals(tmp_path):
    write(LABELS, tmp_path / "OUT.STL")
    assert [p.name for p in tmp_path.iterdir()] == ["OUT.STL"]
