"""What `distance` writes, says and refuses."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
from tests.cli.cases import assert_refused, store

from napari_seamless import open_volume, signed_distance_map
from napari_seamless.cli.steps_run import StepsReporter


@pytest.fixture
def labels():
    return (np.random.default_rng(4).random((14, 15, 16)) < 0.05).astype(np.uint8)


@pytest.fixture
def distance(invoke, tmp_path, labels):
    source = store(tmp_path / "labels.zarr", labels)

    def call(*words, source=source, output=tmp_path / "map.zarr"):
        return invoke("distance", *words, source, output)

    return call


@pytest.mark.parametrize("spacing", [("2", "1", "0.5"), ("2,1,0.5",)])
def test_numbers_may_stand_side_by_side_or_be_joined(distance, tmp_path, labels, spacing):
    result = distance("--spacing", *spacing, "--class", "1", "0", "--chunk", "8")
    assert result.exit_code == 0, result.output
    volume = open_volume(tmp_path / "map.zarr")
    assert volume.spacing == (2.0, 1.0, 0.5)
    expected = signed_distance_map(labels, (2, 1, 0.5), [1, 0])
    np.testing.assert_allclose(np.asarray(volume.data[...]), expected, rtol=1e-6, atol=1e-6)


def test_every_option_reaches_the_map(distance, tmp_path, labels):
    result = distance("--convention", "exact", "--max-distance", "2", "--memory-budget", "64MiB", "--threads", "1")
    assert result.exit_code == 0, result.output
    expected = signed_distance_map(labels, convention="exact", max_distance=2)
    np.testing.assert_array_equal(np.asarray(open_volume(tmp_path / "map.zarr").data[...]), expected)


def test_the_report_is_one_json_object_or_a_few_lines(distance, tmp_path):
    values = json.loads(distance("--json", "--class", "1").stdout)
    assert values["output"] == str(tmp_path / "map.zarr")
    assert (values["shape"], values["classes"]) == ([1, 14, 15, 16], [1])
    text = distance("--overwrite").stdout
    assert "14 x 15 x 16 voxels" in text
    assert "0, 1" in text
    assert distance("--overwrite", "--quiet").stdout == ""


def test_warnings_are_told_once_on_standard_error(distance):
    result = distance("--spacing", "9", "1", "1", "--class", "1", "--class", "5")
    assert result.exit_code == 0
    assert result.stderr.count("Warning:") == 2
    assert "coarser along z" in result.stderr
    assert "label 5" in result.stderr


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--spacing", "1", "2"], ["spacing", "3 spatial axes"]),
        (["--spacing", "-1"], ["spacing", "-1.0"]),
        (["--class", "1", "1"], ["classes", "once"]),
        (["--max-distance", "-3"], ["max_distance", "-3.0"]),
        (["--memory-budget", "much"], ["memory_budget", "much"]),
        (["--chunk", "0"], ["chunk_size", "0"]),
        (["--threads", "0"], ["threads", "0"]),
    ],
)
def test_bad_values_are_refused_in_a_sentence(distance, tmp_path, words, names):
    assert_refused(distance(*words), *names)
    assert not (tmp_path / "map.zarr").exists()


def test_labels_that_are_no_integers_are_refused(distance, tmp_path):
    source = store(tmp_path / "image.zarr", np.zeros((8, 8, 8), np.float32))
    assert_refused(distance(source=source), "labels", "float32")


def test_ctrl_c_leaves_nothing(distance, tmp_path, monkeypatch):
    signals = iter([signal.SIGINT])

    def interrupt(*_):
        for number in signals:  # once: a second one would stop at once
            os.kill(os.getpid(), number)

    monkeypatch.setattr(StepsReporter, "__call__", interrupt)
    result = distance("--chunk", "4")
    assert result.exit_code == 130
    assert "nothing of it is left" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["labels.zarr"]


def test_an_output_that_exists_is_refused(distance, tmp_path):
    (tmp_path / "map.zarr").mkdir()
    assert_refused(distance(), "map.zarr", "exists")
