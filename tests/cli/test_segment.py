"""What `segment` writes and says, with the real engine."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr
from tests.cli.cases import CLASSES, SHAPE, store


def labels_in(path):
    return zarr.open_group(path, mode="r")["0"][...]


def dice_by_hand(labels, truth):
    return {
        name: pytest.approx(2 * np.sum((labels == i) & (truth == i)) / (np.sum(labels == i) + np.sum(truth == i)))
        for i, name in enumerate(CLASSES)
        if i
    }


def test_labels_are_those_of_the_network(segment, tmp_path, expected):
    result = segment()
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(labels_in(tmp_path / "out.ome.zarr"), expected)


def test_json_is_one_object_and_nothing_else(segment, tmp_path, truth, expected):
    result = segment("--json", "--truth", truth)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert result.stderr == ""
    assert report["output"] == str(tmp_path / "out.ome.zarr")
    assert report["patches"] == report["evaluated"] == 5 * 4 * 6
    assert report["classes"] == list(CLASSES)
    assert {"read", "forward", "blend", "write", "total"} <= report["seconds"].keys()
    assert all(seconds >= 0 for seconds in report["seconds"].values())
    assert report["seconds"]["total"] > 0
    assert 2**20 < report["peak_memory_bytes"] < 2**37
    assert report["dice"] == dice_by_hand(expected, zarr.open_array(truth, mode="r")[...])


def test_json_tells_the_plan_that_was_run(segment):
    plan = json.loads(segment("--json", "--overlap", "0.25,0.5,0", "--border", "edge", "--device", "cpu").stdout)[
        "plan"
    ]
    assert plan["patch_size"] == [8, 8, 8]
    assert plan["step"] == [6, 4, 8]
    assert (plan["overlap"], plan["border"], plan["window"]) == ([0.25, 0.5, 0.0], "edge", "gaussian")
    assert (plan["device"], plan["shape"], plan["write"]) == ("cpu", list(SHAPE), "labels")


def test_dice_is_only_there_with_a_truth_and_null_for_a_class_in_neither(segment, networks, tmp_path):
    assert "dice" not in json.loads(segment("--json").stdout)
    dark = store(tmp_path / "dark.zarr", np.full(SHAPE, 0.5, np.float32))
    truth = store(tmp_path / "one.zarr", np.ones(SHAPE, np.uint8))
    result = segment("--json", "--truth", truth, source=dark, output=tmp_path / "dark.ome.zarr")
    assert json.loads(result.stdout)["dice"] == {"cell": 1.0, "gap": None}


def test_probabilities_are_written_and_scored_as_the_labels_they_mean(segment, tmp_path, voxels, truth, expected):
    result = segment("--json", "--write", "probabilities", "--activation", "softmax", "--truth", truth)
    assert result.exit_code == 0, result.output
    sums = labels_in(tmp_path / "out.ome.zarr")
    scores = np.exp(np.stack([voxels * 0, voxels - 0.3, 2 * voxels - 0.9]))
    np.testing.assert_allclose(sums, scores / scores.sum(axis=0), atol=1e-5)
    assert json.loads(result.stdout)["dice"] == dice_by_hand(expected, zarr.open_array(truth, mode="r")[...])


@pytest.mark.parametrize("write", ["labels", "probabilities"])
def test_a_network_of_one_channel_is_cut_at_the_threshold(segment, networks, tmp_path, voxels, write):
    truth = store(tmp_path / "above.zarr", (voxels > 0.75).astype(np.uint8))
    result = segment("--json", "--write", write, "--threshold", "0.75", "--truth", truth, model=networks["single"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["dice"] == {"cell": pytest.approx(1.0, abs=1e-3)}


def test_the_networks_own_patch_size_is_the_default(segment, networks):
    report = json.loads(segment("--json", model=networks["preferred"], patch=None).stdout)
    assert report["plan"]["patch_size"] == [8, 10, 12]
    report = json.loads(segment("--json", "--overwrite", model=networks["preferred"], patch="6").stdout)
    assert report["plan"]["patch_size"] == [6, 6, 6]


def test_people_read_the_same_in_a_few_lines(segment, truth):
    result = segment("--truth", truth)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) <= 8
    for text in ("out.ome.zarr", "24 x 20 x 28 voxels, 3 classes", "120 of 8 x 8 x 8", "patches/s", "dice", "cell 0."):
        assert text in result.stdout
    assert result.stderr == ""


def test_quiet_says_nothing(segment):
    result = segment("--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_a_finished_output_is_resumed_without_work(segment, expected, tmp_path):
    segment()
    result = segment("--resume", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["evaluated"] <= 1  # one batch tells the number of classes
    np.testing.assert_array_equal(labels_in(tmp_path / "out.ome.zarr"), expected)


def test_resume_with_another_plan_says_what_changed(segment):
    segment()
    result = segment("--resume", "--overlap", "0.25")
    assert result.exit_code == 1
    assert "step" in result.stderr
    assert "resume" in result.stderr


def test_overwrite_replaces_the_output(segment, tmp_path, expected):
    segment("--border", "crop", "--overlap", "0")
    result = segment("--overwrite")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(labels_in(tmp_path / "out.ome.zarr"), expected)


def test_one_channel_of_several_is_chosen(segment, tmp_path, voxels, expected):
    source = store(tmp_path / "channels.zarr", np.stack([voxels * 0, voxels]))
    result = segment("--axes", "czyx", "--channel", "1", source=source)
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(labels_in(tmp_path / "out.ome.zarr"), expected)


def test_voxels_that_crop_leaves_out_are_warned_of_in_one_line(segment):
    result = segment("--border", "crop", "--overlap", "0", "--patch", "9")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("Warning: ")
    assert "crop" in line


def test_what_a_network_prints_does_not_reach_standard_output(invoke, volume, tmp_path, monkeypatch):
    from napari_seamless.models import load_model

    def talkative(batch):
        print("hello")  # noqa: T201
        return batch

    monkeypatch.setattr("napari_seamless.models.load_model", lambda path, **_: load_model(talkative))
    result = invoke("segment", volume, tmp_path / "out", "--model", "any", "--patch", "12", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["patches"] > 0
    assert "hello" in result.stderr
