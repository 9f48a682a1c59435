"""What `segment --write` stores is what it scores."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr
from tests.cli.cases import SHAPE, store


def stored(path):
    return zarr.open_array(path / "0", mode="r")[...]


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("write", ["probabilities", "top_classes"])
def test_every_form_scores_as_the_labels_do(segment, tmp_path, truth, write, dtype):
    labels = segment("--json", "--activation", "softmax", "--truth", truth)
    result = segment(
        *("--json", "--overwrite", "--activation", "softmax", "--truth", truth),
        *("--write", write, "--probability-dtype", dtype),
    )
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    # rounding makes a few voxels ties
    rounding = 0.03 if write == "probabilities" and dtype != "float32" else 1e-12
    expected = json.loads(labels.stdout)["dice"]
    assert report["dice"] == {name: pytest.approx(score, abs=rounding) for name, score in expected.items()}
    assert report["plan"]["write"] == write
    array = stored(tmp_path / "out.ome.zarr")
    assert (array.dtype, array.shape) == (dtype, (3 if write == "probabilities" else 4, *SHAPE))


def test_uint8_is_cut_at_the_threshold_too(segment, networks, tmp_path, voxels):
    truth = store(tmp_path / "above.zarr", (voxels > 0.75).astype(np.uint8))
    words = ("--write", "probabilities", "--probability-dtype", "uint8", "--threshold", "0.75")
    result = segment("--json", *words, "--truth", truth, model=networks["single"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["dice"] == {"cell": pytest.approx(1.0, abs=0.01)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--write", "top_classes", "--top-k", "4"), "top_k must be at most the number of classes, got 4"),
        (("--write", "probabilities", "--probability-dtype", "uint8"), "set activation to softmax or sigmoid"),
        (("--top-k", "0"), "top_k"),
    ],
)
def test_what_cannot_be_stored_is_one_sentence(segment, words, said):
    result = segment(*words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1
