"""The contract of sinks on disk, and what other readers make of the output."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import zarr
from napari_ome_zarr import napari_get_reader
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr_models.v05.image import ImageAttrs
from ome_zarr_models.v05.image_label import ImageLabelAttrs
from tests.contracts.sink_contract import LABELS, PROBABILITIES, SPECS, SinkContract, chunk_plan, fill

from napari_seamless.errors import OutputExistsError, SettingsError, StorageError
from napari_seamless.sinks import METADATA_KEY, OmeZarrSink, OutputSpec, check_free, finished_chunks
from napari_seamless.sinks.pyramid import pyramid_levels
from napari_seamless.types import Box
from napari_seamless.volume import open_volume

IDENTITY = {"model": {"sha256": "abc"}, "step": [4, 4, 4]}


class TestOmeZarrSink(SinkContract):
    """Run the contract."""

    def make_sink(self, folder: Path, spec: OutputSpec) -> OmeZarrSink:
        """Return a new group."""
        return OmeZarrSink(folder / "out.zarr", spec, IDENTITY)


def written(folder: Path, spec: OutputSpec) -> tuple[Path, np.ndarray]:
    """Return the path of a finished output, and its voxels."""
    sink = OmeZarrSink(folder / "out.zarr", spec, IDENTITY)
    voxels = fill(sink, spec)
    sink.finish()
    return folder / "out.zarr", voxels


def pooled(voxels: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    """Return the mean over cells of `factors` voxels, cell by cell."""
    shape = tuple(-(-n // f) for n, f in zip(voxels.shape[1:], factors, strict=True))
    result = np.empty((len(voxels), *shape), np.float32)
    for index in np.ndindex(*shape):
        cell = tuple(slice(i * f, (i + 1) * f) for i, f in zip(index, factors, strict=True))
        result[(slice(None), *index)] = voxels[(slice(None), *cell)].reshape(len(voxels), -1).mean(1)
    return result


def attributes(path: Path) -> dict:
    return json.loads((path / "zarr.json").read_text())["attributes"]


def test_label_levels_are_every_nth_voxel_at_the_place_where_they_say(tmp_path: Path) -> None:
    path, voxels = written(tmp_path, LABELS)
    datasets = attributes(path)["ome"]["multiscales"][0]["datasets"]
    assert len(datasets) == 2
    for dataset in datasets:
        scale, shift = (t[t["type"]] for t in dataset["coordinateTransformations"])
        factors = tuple(round(s / one) for s, one in zip(scale, LABELS.spacing, strict=True))
        level = zarr.open_group(path, mode="r")[dataset["path"]][...]
        np.testing.assert_array_equal(level, voxels[tuple(slice(None, None, f) for f in factors)])
        assert tuple(shift) == LABELS.translation
    # the thick axis is halved later
    assert factors == (1, 2, 2)


def test_probability_levels_are_means_whose_centres_move(tmp_path: Path) -> None:
    path, voxels = written(tmp_path, PROBABILITIES)
    datasets = attributes(path)["ome"]["multiscales"][0]["datasets"]
    scale, shift = (t[t["type"]] for t in datasets[1]["coordinateTransformations"])
    assert scale == [1, 2, 1, 1]
    level = zarr.open_group(path, mode="r")[datasets[1]["path"]][...]
    np.testing.assert_allclose(level, pooled(voxels, (1, 2, 2)), rtol=1e-6)
    # the first cell spans positions 0 and 1, so its centre is half a voxel on
    assert shift == [0, 10.0, -3.0 + 0.25, 0.25]


def test_each_chunk_of_each_level_is_one_file_per_finished_chunk(tmp_path: Path) -> None:
    path, _ = written(tmp_path, LABELS)
    chunks = int(np.prod(chunk_plan(LABELS).chunk_grid))
    assert sorted(name for name, _ in zarr.open_group(path, mode="r").members()) == ["0", "1"]  # and no warning
    for level in ("0", "1"):
        assert len([file for file in (path / level / "c").rglob("*") if file.is_file()]) == chunks


@pytest.mark.parametrize("kind", SPECS)
def test_the_attributes_are_valid_ome_zarr(kind: str, tmp_path: Path) -> None:
    path, _ = written(tmp_path, SPECS[kind])
    ome = attributes(path)["ome"]
    ImageAttrs.model_validate(ome)
    if SPECS[kind].is_labels:
        ImageLabelAttrs.model_validate(ome)
        names = {p["label-value"]: p["name"] for p in ome["image-label"]["properties"]}
        assert names == dict(enumerate(LABELS.classes))
    else:
        assert [c["label"] for c in ome["omero"]["channels"]] == list(PROBABILITIES.classes)
        assert [c["color"] for c in ome["omero"]["channels"]] == ["000000", "FF0000", "0080FF"]
    assert ome["version"] == "0.5"


@pytest.mark.parametrize("spec", [LABELS, PROBABILITIES], ids=["labels", "probabilities"])
def test_ome_zarr_py_reads_it(spec: OutputSpec, tmp_path: Path) -> None:
    path, voxels = written(tmp_path, spec)
    location = parse_url(path)
    assert location is not None
    node = next(iter(Reader(location)()))
    np.testing.assert_array_equal(np.asarray(node.data[0]), voxels)
    assert len(node.data) == 2
    assert [axis["name"] for axis in node.metadata["axes"]] == list(spec.all_axes)


def test_napari_ome_zarr_reads_labels(tmp_path: Path) -> None:
    path, voxels = written(tmp_path, LABELS)
    reader = napari_get_reader(str(path))
    assert reader is not None
    data, meta, kind = reader(str(path))[0]
    assert kind == "labels"
    np.testing.assert_array_equal(np.asarray(data[0]), voxels)
    assert tuple(meta["scale"]) == LABELS.spacing
    colors = {label: tuple(round(255 * part) for part in rgba) for label, rgba in meta["colormap"].items()}
    assert colors == dict(enumerate(LABELS.colors))
    assert meta["properties"]["name"] == list(LABELS.classes)
    assert meta["units"] == LABELS.units


def test_napari_ome_zarr_reads_probabilities(tmp_path: Path) -> None:
    path, voxels = written(tmp_path, PROBABILITIES)
    reader = napari_get_reader(str(path))
    assert reader is not None
    data, meta, kind = reader(str(path))[0]
    assert kind == "image"
    np.testing.assert_array_equal(np.asarray(data[0]), voxels)
    assert meta["channel_axis"] == 0
    assert meta["name"] == [f"{PROBABILITIES.name}: {name}" for name in PROBABILITIES.classes]


@pytest.mark.parametrize("spec", [LABELS, PROBABILITIES], ids=["labels", "probabilities"])
def test_it_opens_again_as_the_volume_that_the_sink_named(spec: OutputSpec, tmp_path: Path) -> None:
    sink = OmeZarrSink(tmp_path / "out.zarr", spec, IDENTITY)
    fill(sink, spec)
    sink.finish()
    again = open_volume(tmp_path / "out.zarr")
    for name in ("axes", "shape", "spacing", "translation", "units", "is_labels", "channels"):
        assert getattr(again, name) == getattr(sink.volume, name), name
    assert dict(again.label_names) == dict(sink.volume.label_names)
    for ours, theirs in zip(sink.volume.levels, again.levels, strict=True):
        assert (ours.spacing, ours.translation) == (theirs.spacing, theirs.translation)


def test_the_record_says_whether_the_run_is_complete(tmp_path: Path) -> None:
    sink = OmeZarrSink(tmp_path / "out.zarr", LABELS, IDENTITY)
    assert attributes(tmp_path / "out.zarr")[METADATA_KEY] == {**LABELS.metadata, "complete": False}
    sink.finish()
    assert attributes(tmp_path / "out.zarr")[METADATA_KEY] == {**LABELS.metadata, "complete": True}


def test_the_journal_knows_the_finished_chunks_and_forgets_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "out.zarr"
    sink, plan = OmeZarrSink(path, LABELS, IDENTITY), chunk_plan(LABELS)
    assert finished_chunks(path, IDENTITY) == frozenset()
    for index in [(0, 0, 0), (1, 2, 0)]:
        box = plan.chunk_box(index)
        sink.write(index, box, np.ones(box.shape, np.uint8))
    assert finished_chunks(path, IDENTITY) == {(0, 0, 0), (1, 2, 0)}
    journal = path / "0" / "seamless-journal.jsonl"
    for torn in (b'{"chu', b'{"chunk": [2, 0, 0]}', b"\x00\xff"):
        whole = journal.read_bytes()
        journal.write_bytes(whole + torn)
        assert finished_chunks(path, IDENTITY) == {(0, 0, 0), (1, 2, 0)}
        assert journal.read_bytes() == whole
    again = OmeZarrSink(path, LABELS, IDENTITY, resume=True)
    again.write((2, 0, 0), plan.chunk_box((2, 0, 0)), np.ones(plan.chunk_box((2, 0, 0)).shape, np.uint8))
    assert finished_chunks(path, IDENTITY) == {(0, 0, 0), (1, 2, 0), (2, 0, 0)}
    assert again.volume.data[0, 0, 0] == again.volume.data[8, 32, 0] == again.volume.data[16, 0, 0] == 1


def test_another_identity_is_refused_by_the_name_of_what_changed(tmp_path: Path) -> None:
    path = tmp_path / "out.zarr"
    OmeZarrSink(path, LABELS, IDENTITY)
    with pytest.raises(SettingsError, match=r"because step changed from \[4, 4, 4\] to \[2, 4, 4\]"):
        finished_chunks(path, {**IDENTITY, "step": (2, 4, 4)})
    with pytest.raises(SettingsError, match="because window changed from None to 'gaussian'"):
        finished_chunks(path, {**IDENTITY, "window": "gaussian"})
    # tuples are what JSON calls lists
    assert finished_chunks(path, {**IDENTITY, "step": (4, 4, 4)}) == frozenset()


def test_a_path_that_is_taken_is_refused(tmp_path: Path) -> None:
    path, _ = written(tmp_path, LABELS)
    with pytest.raises(OutputExistsError, match="exists already; choose another path, or overwrite or resume"):
        OmeZarrSink(path, LABELS, IDENTITY)
    OmeZarrSink(path, LABELS, IDENTITY, overwrite=True)
    assert not zarr.open_group(path, mode="r")["0"][...].any()


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def refuse_rename_to(monkeypatch: pytest.MonkeyPatch, target: Path) -> None:
    original = Path.rename

    def rename(self: Path, to: Path) -> Path:
        if to == target and "-new-" in self.name:
            raise OSError(errno.EACCES, "Permission denied")
        return original(self, to)

    monkeypatch.setattr(Path, "rename", rename)


@pytest.mark.parametrize("failure", ["creating", "moving"])
def test_an_output_stays_when_its_successor_cannot_start(
    failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, voxels = written(tmp_path, LABELS)
    with monkeypatch.context() as patch:
        if failure == "creating":
            patch.setattr(zarr.Group, "create_array", no_space)
        else:
            refuse_rename_to(patch, path)
        with pytest.raises(StorageError, match=r"No space left|Permission denied"):
            OmeZarrSink(path, LABELS, IDENTITY, overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.zarr"]
    np.testing.assert_array_equal(zarr.open_group(path, mode="r")["0"][...], voxels)
    assert attributes(path)[METADATA_KEY]["complete"]


def test_a_link_is_followed_not_replaced(tmp_path: Path) -> None:
    path, _ = written(tmp_path, LABELS)
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.zarr"
    link.symlink_to(path)
    OmeZarrSink(link, LABELS, IDENTITY, overwrite=True)
    assert link.is_symlink()
    assert not zarr.open_group(path, mode="r")["0"][...].any()
    assert [entry.name for entry in (tmp_path / "elsewhere").iterdir()] == ["link.zarr"]


def test_a_new_output_has_the_permissions_of_any_new_folder(tmp_path: Path) -> None:
    OmeZarrSink(tmp_path / "a.zarr", LABELS, IDENTITY)
    (tmp_path / "b").mkdir()
    assert (tmp_path / "a.zarr").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_line_that_does_not_fit_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, chunk = tmp_path / "out.zarr", np.ones((8, 16, 33), np.uint8)
    sink, write = OmeZarrSink(path, LABELS, IDENTITY), os.write
    with monkeypatch.context() as patch:
        left = iter([4])
        patch.setattr(os, "write", lambda handle, line: write(handle, line[:n]) if (n := next(left, 0)) else no_space())
        with pytest.raises(StorageError, match=r"journal .* cannot be written \(No space left on device\)"):
            sink.write((0, 0, 0), Box((0, 0, 0), (8, 16, 33)), chunk)
    sink.write((1, 1, 0), Box((8, 16, 0), (16, 32, 33)), chunk)
    assert finished_chunks(path, IDENTITY) == {(1, 1, 0)}


@pytest.mark.parametrize("is_file", [True, False])
def test_only_zarr_groups_are_overwritten(is_file: bool, tmp_path: Path) -> None:
    kept = tmp_path / "thesis"
    if not is_file:
        kept.mkdir()
    (kept if is_file else kept / "chapter").write_text("precious")
    with pytest.raises(OutputExistsError, match="is no Zarr group, so it is not overwritten"):
        check_free(kept, overwrite=True)
    with pytest.raises(OutputExistsError, match="is no Zarr group"):
        OmeZarrSink(kept, LABELS, IDENTITY, overwrite=True)
    assert (kept if is_file else kept / "chapter").read_text() == "precious"


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = OmeZarrSink(tmp_path / "a.zarr", LABELS, IDENTITY)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", no_space)
        with pytest.raises(StorageError, match=r"a.zarr cannot be written \(No space left on device\); free disk"):
            sink.write((0, 0, 0), Box((0, 0, 0), (8, 16, 33)), np.zeros((8, 16, 33), np.uint8))
    assert finished_chunks(tmp_path / "a.zarr", IDENTITY) == frozenset()
    assert not any((tmp_path / "a.zarr" / "0" / "seamless-unfinished").iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(zarr.Group, "create_array", no_space)
        with pytest.raises(StorageError, match="No space left on device"):
            OmeZarrSink(tmp_path / "b.zarr", LABELS, IDENTITY)
    assert not (tmp_path / "b.zarr").exists()


def test_a_folder_that_is_a_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        OmeZarrSink(tmp_path / "file" / "out.zarr", LABELS, IDENTITY)


@pytest.mark.parametrize(
    ("shape", "chunk", "spacing", "factors"),
    [
        ((64, 64), (32, 32), (1, 1), [(1, 1)]),
        ((65, 64), (32, 32), (1, 1), [(1, 1), (2, 2)]),
        ((300, 300, 300), (64, 64, 64), (1, 1, 1), [(1,) * 3, (2,) * 3, (4,) * 3, (8,) * 3]),
        ((300, 300), (9, 9), (1, 1), [(1, 1)]),  # odd chunks cannot be halved
        ((300, 300), (16, 16), (1, 1), [(1, 1), (2, 2)]),  # nor into less than 8 voxels
        ((10, 400, 400), (10, 64, 64), (8, 1, 1), [(1, 1, 1), (1, 2, 2), (1, 4, 4), (1, 8, 8)]),
        ((1, 200), (1, 200), (1, 1), [(1, 1), (1, 2), (1, 4)]),
        ((200, 3), (64, 3), (10, 1), [(1, 1), (1, 2), (1, 4), (2, 4), (4, 4)]),
    ],
)
def test_levels_follow_the_spacing_until_they_are_small(
    shape: tuple[int, ...], chunk: tuple[int, ...], spacing: tuple[float, ...], factors: list[tuple[int, ...]]
) -> None:
    levels = pyramid_levels(shape, chunk, spacing)
    assert [level.factors for level in levels] == factors
    for level in levels:
        assert level.shape == tuple(-(-n // f) for n, f in zip(shape, level.factors, strict=True))
