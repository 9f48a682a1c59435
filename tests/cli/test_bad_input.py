"""Bad input on the command line: one sentence that names it, no traceback, nothing left half-written."""

from __future__ import annotations

import errno

import numpy as np
import pytest
import zarr
from tests.cli.cases import SHAPE, assert_refused, store

from napari_seamless.sinks.whole_file import WholeFiles


@pytest.fixture
def refused(segment, tmp_path):
    """Run ``segment``, expect a refusal, and that it came before anything was written."""

    def call(*names, words=(), **changes):
        before = sorted(tmp_path.iterdir())
        assert_refused(segment(*words, **changes), *names)
        assert sorted(tmp_path.iterdir()) == before

    return call


def test_a_path_that_does_not_exist(refused, invoke, tmp_path):
    refused("nowhere.zarr", "does not exist", source=tmp_path / "nowhere.zarr")
    assert_refused(invoke("info", tmp_path / "nowhere.zarr"), "nowhere.zarr", "does not exist")


def test_a_file_that_is_no_volume(refused, invoke, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no voxels here\n")
    refused("notes.txt", "no volume", source=text)
    assert_refused(invoke("info", text), "notes.txt", "no volume")


def test_a_folder_that_is_no_volume(refused, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    refused("empty", source=folder)


def test_axes_that_do_not_fit(refused):
    refused("axes", words=["--axes", "yx"])


def test_a_damaged_chunk_is_named(segment, volume):
    (volume / "c" / "0" / "1" / "0").write_bytes(b"this is not what a codec wrote")
    assert_refused(segment(), "chunk (0, 1, 0)", "volume.zarr")


def test_a_missing_chunk_is_named_in_a_warning(segment, volume):
    (volume / "c" / "0" / "1" / "0").unlink()
    result = segment()
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("Warning: ")
    assert "(0, 1, 0)" in line


def test_a_missing_chunk_is_an_error_where_it_is_asked_for(segment, volume):
    (volume / "c" / "0" / "1" / "0").unlink()
    assert_refused(segment("--missing-chunks", "error"), "chunk (0, 1, 0)", "is missing")


def test_a_missing_chunk_is_not_looked_for_where_it_is_filled(segment, volume):
    (volume / "c" / "0" / "1" / "0").unlink()
    result = segment("--missing-chunks", "fill")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("border", ["squeeze", "edge", "crop"])
def test_a_patch_larger_than_the_volume(refused, border):
    refused("patch", "21", "20", words=["--border", border], patch="8,21,8")


@pytest.mark.parametrize("overlap", ["1", "-0.1", "1.5", "nan", "0.5,1,0.5"])
def test_an_overlap_outside_its_range(refused, overlap):
    refused("overlap", "at least 0 and below 1", words=["--overlap", overlap])


@pytest.mark.parametrize("patch", ["0", "-8"])
def test_a_patch_without_voxels(refused, patch):
    refused("size", words=[f"--patch={patch}"], patch=None)


def test_a_patch_for_the_wrong_number_of_axes(refused):
    refused("patch_size", "3", patch="8,8")


def test_a_patch_that_the_network_cannot_divide(refused, networks):
    refused("patch size", "multiple of 4", model=networks["even"], patch="10")


def test_a_network_file_that_does_not_exist(refused, tmp_path):
    refused("nothing.pt", "does not exist", model=tmp_path / "nothing.pt")


def test_a_file_that_is_no_network(refused, tmp_path):
    file = tmp_path / "notes.pt"
    file.write_text("no weights here")
    refused("notes.pt", "TorchScript", model=file)


def test_a_network_whose_channels_do_not_fit(refused, networks):
    refused("rgb", "3 channels", model=networks["rgb"])


def test_a_network_for_another_number_of_axes(refused, networks):
    refused("flat", "2 spatial axes", model=networks["flat"])


def test_a_network_that_returns_another_spatial_shape(refused, networks):
    refused("halved", "(1, 1, 4, 4, 4)", model=networks["halved"])


def test_a_network_that_returns_nan(refused, networks):
    refused("nan", "NaN", model=networks["nan"])


def test_a_channel_that_the_volume_lacks(refused):
    refused("channel", words=["--channel", "3"])


def test_a_device_that_is_not_there(refused):
    refused("device", "toaster", words=["--device", "toaster"])


def test_a_memory_budget_that_is_no_size(refused):
    refused("memory_budget", "plenty", words=["--memory-budget", "plenty"])


def test_an_output_that_exists_already(segment, volume, tmp_path):
    output = tmp_path / "out.ome.zarr"
    output.mkdir()
    (output / "mine.txt").write_text("kept")
    assert_refused(segment(), "out.ome.zarr", "exists")
    assert_refused(segment("--overwrite"), "out.ome.zarr", "no Zarr")
    assert [path.name for path in output.iterdir()] == ["mine.txt"]


def test_resume_where_there_is_nothing_to_resume(refused):
    refused("resume", words=["--resume"])


def test_an_output_below_a_file(refused, tmp_path):
    (tmp_path / "file.txt").write_text("in the way")
    refused("file.txt", "cannot be written", output=tmp_path / "file.txt" / "out.ome.zarr")


def test_a_read_only_disk(segment, tmp_path, monkeypatch):
    async def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(zarr.storage.LocalStore, "set", refuse)
    assert_refused(segment(), "out.ome.zarr", "Read-only file system")


def test_a_disk_that_is_full_in_the_middle_of_a_run(segment, tmp_path, monkeypatch, expected):
    write, room = WholeFiles.write, iter(range(12))

    def until_full(self, path, parts):
        if next(room, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, path, parts)

    with monkeypatch.context() as patched:
        patched.setattr(WholeFiles, "write", until_full)
        assert_refused(segment("--chunk", "8"), "out.ome.zarr", "No space left on device")
    result = segment("--chunk", "8", "--resume")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(zarr.open_group(tmp_path / "out.ome.zarr", mode="r")["0"][...], expected)


def test_a_truth_of_another_shape_is_refused_before_the_run(refused, tmp_path):
    truth = store(tmp_path / "truth.zarr", np.zeros((24, 20, 27), np.uint8))
    refused("truth", "24 x 20 x 27", "24 x 20 x 28", words=["--truth", truth])


def test_a_truth_that_does_not_exist(refused, tmp_path):
    refused("nowhere.zarr", words=["--truth", tmp_path / "nowhere.zarr"])


def test_a_truth_with_labels_that_are_no_classes_leaves_the_result(segment, tmp_path):
    truth = store(tmp_path / "truth.zarr", np.full(SHAPE, 7, np.uint8))
    assert_refused(segment("--truth", truth), "truth holds the value 7", "complete in")
    assert zarr.open_group(tmp_path / "out.ome.zarr", mode="r")["0"].shape == SHAPE


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--border", "mirror"], ["--border", "squeeze"]),
        (["--patch", "64;64"], ["--patch", "64;64"]),
        (["--patch", "8.5"], ["--patch", "8.5"]),
        (["--overlap", "half"], ["--overlap", "half"]),
        (["--batch-size", "two"], ["--batch-size", "two"]),
        (["--overwrite", "--resume"], ["--overwrite", "--resume"]),
        (["--colour", "red"], ["--colour"]),
    ],
)
def test_wrong_arguments_are_usage_errors(segment, words, names):
    result = segment(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    error = result.stderr.splitlines()[-1]
    assert error.startswith("Error: ")
    for name in names:
        assert name in error


def test_an_unexpected_error_is_one_sentence_too(segment, monkeypatch):
    def broken(*_, **__):
        raise KeyError("deep inside")

    monkeypatch.setattr("napari_seamless.engine.prepare", broken)
    assert_refused(segment(), "KeyError", "deep inside", "--debug")


def test_debug_shows_where_an_error_came_from(segment, tmp_path):
    result = segment("--debug", source=tmp_path / "nowhere.zarr")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: ")
