"""What `instances` writes, says and refuses."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
from scipy import ndimage
from tests.cli.cases import assert_refused, store

from napari_seamless import open_volume
from napari_seamless.cli.steps_run import StepsReporter


@pytest.fixture
def labels():
    """Two discs that touch, of class 2, and a voxel of class 1."""
    y, x = np.ogrid[:30, :50]
    discs = ((y - 15) ** 2 + (x - 14) ** 2 < 12.5**2) | ((y - 15) ** 2 + (x - 36) ** 2 < 12.5**2)
    labels = np.where(discs, 2, 0).astype(np.uint8)
    labels[0, 0] = 1
    return labels


@pytest.fixture
def instances(invoke, tmp_path, labels):
    source = store(tmp_path / "labels.zarr", labels)

    def call(*words, source=source, output=tmp_path / "cells.zarr"):
        return invoke("instances", *words, source, output)

    return call


def found_in(path):
    return np.asarray(open_volume(path).data[...])


def test_components_are_the_default(instances, tmp_path, labels):
    result = instances("--chunk", "8")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(found_in(tmp_path / "cells.zarr"), ndimage.label(labels)[0])


def test_every_option_reaches_the_instances(instances, tmp_path, labels):
    words = ["--method", "watershed", "--class", "2", "--connectivity", "2", "--min-size", "9", "--min-distance", "6"]
    more = ["--spacing", "1", "1", "--memory-budget", "64MiB", "--threads", "1", "--chunk", "16,9", "--axes", "yx"]
    result = instances(*words, *more)
    assert result.exit_code == 0, result.output
    found = found_in(tmp_path / "cells.zarr")
    assert found.max() == 2
    np.testing.assert_array_equal(found > 0, labels == 2)
    assert (found[15, 14], found[15, 36]) == (1, 2)


def test_the_report_is_one_json_object_or_a_few_lines(instances, tmp_path):
    values = json.loads(instances("--json", "--min-size", "2").stdout)
    assert values["output"] == str(tmp_path / "cells.zarr")
    assert (values["shape"], values["dtype"]) == ([30, 50], "uint32")
    assert (values["instances"], values["dropped"]) == (1, 1)
    text = instances("--overwrite", "--min-size", "2").stdout
    assert "1, 1 smaller ones dropped" in text
    assert instances("--overwrite", "--quiet").stdout == ""


def test_labels_without_foreground_are_told_on_standard_error(instances, tmp_path):
    source = store(tmp_path / "empty.zarr", np.zeros((8, 8, 8), np.uint8))
    result = instances(source=source)
    assert result.exit_code == 0
    assert result.stderr.count("Warning:") == 1
    assert "no instances" in result.stderr


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--class", "9"], ["label_value", "9"]),
        (["--connectivity", "3"], ["connectivity", "2"]),
        (["--min-size", "0"], ["min_size", "0"]),
        (["--min-distance", "3"], ["min_distance", "watershed"]),
        (["--memory-budget", "much"], ["memory_budget", "much"]),
        (["--chunk", "0"], ["chunk_size", "0"]),
        (["--spacing", "1", "2", "3"], ["spacing", "2 spatial axes"]),
    ],
)
def test_bad_values_are_refused_in_a_sentence(instances, tmp_path, words, names):
    assert_refused(instances(*words), *names)
    assert not (tmp_path / "cells.zarr").exists()


def test_labels_that_are_no_integers_are_refused(instances, tmp_path):
    source = store(tmp_path / "image.zarr", np.zeros((8, 8, 8), np.float32))
    assert_refused(instances(source=source), "labels", "float32")


def test_ctrl_c_leaves_nothing(instances, tmp_path, monkeypatch):
    signals = iter([signal.SIGINT])

    def interrupt(*_):
        for number in signals:  # once: a second one would stop at once
            os.kill(os.getpid(), number)

    monkeypatch.setattr(StepsReporter, "__call__", interrupt)
    result = instances("--method", "watershed", "--chunk", "4")
    assert result.exit_code == 130
    assert "nothing of them is left" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["labels.zarr"]


def test_an_output_that_exists_is_refused(instances, tmp_path):
    (tmp_path / "cells.zarr").mkdir()
    assert_refused(instances(), "cells.zarr", "exists")
