"""What `tune` prints, writes and refuses, with the real engine."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
import zarr
from PIL import Image
from tests.cli.cases import store
from torch import nn

from napari_seamless.models.torchscript import save_torchscript
from napari_seamless.plan import load_window
from napari_seamless.types import Box, ModelSpec

SHAPE = (40, 36, 44)


class BadBorders(nn.Module):
    """Foreground above one half, and the opposite in two voxels at each border of the patch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inside = torch.zeros_like(x)
        inside[..., 2:-2, 2:-2, 2:-2] = 1
        foreground = ((x > 0.5) == (inside > 0.5)).float()
        return torch.cat([1 - foreground, foreground], 1)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "borders.pt"
    spec = ModelSpec(name="borders", in_channels=1, n_spatial=3, classes=("background", "cell"))
    save_torchscript(BadBorders(), path, spec)
    return path


@pytest.fixture
def voxels():
    return np.random.default_rng(1).random(SHAPE, dtype=np.float32)


@pytest.fixture
def tune(invoke, network, tmp_path, voxels):
    volume = store(tmp_path / "volume.zarr", voxels)
    store(tmp_path / "truth.zarr", (voxels > 0.5).astype(np.uint8))

    def call(*words, patch="12", region="10:26,8:24,12:28", truth=tmp_path / "truth.zarr"):
        own = [*([] if patch is None else ["--patch", patch]), *([] if region is None else ["--region", region])]
        own += [] if truth is None else ["--truth", truth]
        return invoke("tune", volume, "--model", network, "--device", "cpu", *own, *words)

    return call


def test_the_table_marks_what_is_recommended_and_the_sentence_says_why(tune):
    result = tune()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "region 10:26, 8:24, 12:28; Dice against the truth" in lines[0]
    assert len(lines) == 2 + 16 + 2
    (recommended,) = [line for line in lines if line.startswith("* ") and "edge" in line]
    assert recommended.split()[1] == "12"
    assert lines[-1].startswith(f"patch 12, overlap {recommended.split()[2]}, border edge")
    assert "gives up" in lines[-1] or "given up" in lines[-1]


def test_files_say_the_same(tune, tmp_path):
    names = {"--json": "a.json", "--csv": "a.csv", "--recipe": "r.json", "--picture": "a.png"}
    result = tune("--quiet", *(word for flag, name in names.items() for word in (flag, tmp_path / name)))
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    report = json.loads((tmp_path / "a.json").read_text())
    assert len(report["curve"]) == 16
    for point in [report["recommended"], *report["curve"]]:
        assert {"patch_size", "overlap", "border", "window", "dice", "dice_per_class", "patches", "seconds"} <= set(
            point
        )
        assert point["patch_size"] == [12, 12, 12]
        assert point["dice_per_class"] == {"cell": point["dice"]}
    assert {point["overlap"] for point in report["curve"]} == {0, 0.25, 0.5, 0.75}
    assert report["recommended"] in [{k: v for k, v in point.items() if k != "pareto"} for point in report["curve"]]
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [float(row["dice"]) for row in rows] == [point["dice"] for point in report["curve"]]
    assert [row["overlap"] for row in rows if row["recommended"] == "True"] == [f"{report['recommended']['overlap']:g}"]
    recipe = json.loads((tmp_path / "r.json").read_text())
    assert recipe["overlap"] == report["recommended"]["overlap"]
    assert recipe["window"] == report["recommended"]["window"]
    picture = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    assert picture.shape == (700, 1680)
    assert picture.std() > 10


def test_the_recipe_is_what_segment_runs_and_what_is_given_wins(tune, invoke, network, tmp_path):
    recipe = tmp_path / "r.json"
    assert tune("--overlap", "0.25", "--window", "hann", "--border", "squeeze", "--recipe", recipe).exit_code == 0
    words = ["segment", tmp_path / "volume.zarr", tmp_path / "out.ome.zarr", "--model", network, "--recipe", recipe]
    plan = json.loads(invoke(*words, "--json").stdout)["plan"]
    chosen = (plan["patch_size"], plan["overlap"], plan["border"], plan["window"], plan["region"], plan["device"])
    assert chosen == ([12, 12, 12], 0.25, "squeeze", "hann", None, "cpu")
    plan = json.loads(invoke(*words, "--overwrite", "--json", "--window", "gaussian").stdout)["plan"]
    assert (plan["overlap"], plan["window"]) == (0.25, "gaussian")


def test_a_point_has_the_dice_of_a_run(tune, invoke, network, tmp_path):
    """The region that tune compares, segmented with the same settings."""
    region = "10:26,8:24,12:28"
    tune("--overlap", "0.5", "--window", "triangle", "--json", tmp_path / "a.json")
    (point,) = json.loads((tmp_path / "a.json").read_text())["curve"]
    words = ["--patch", 12, "--overlap", 0.5, "--window", "triangle", "--border", "edge", "--region", region]
    output = tmp_path / "out.ome.zarr"
    result = invoke("segment", tmp_path / "volume.zarr", output, "--model", network, "--device", "cpu", *words)
    assert result.exit_code == 0, result.output
    labels = zarr.open_group(output, mode="r")["0"][...] > 0
    right = zarr.open_array(tmp_path / "truth.zarr", mode="r")[10:26, 8:24, 12:28] > 0
    assert point["dice"] == pytest.approx(2 * (labels & right).sum() / (labels.sum() + right.sum()))


def test_without_truth_everything_says_proxy(tune, tmp_path):
    result = tune("--json", tmp_path / "a.json", truth=None)
    assert result.exit_code == 0, result.output
    assert "a proxy, for there is no truth" in result.stdout.splitlines()[0]
    assert "proxy" in result.stdout.splitlines()[-1]
    report = json.loads((tmp_path / "a.json").read_text())
    assert report["consensus"] == "patch 12, overlap 0.75, border edge, window gaussian"
    assert all(point["is_proxy"] for point in report["curve"])


def test_several_patch_sizes_and_borders_and_a_region_that_is_found(tune, tmp_path):
    words = ["--patch", "8", "--overlap", "0.5", "--border", "edge", "--border", "squeeze", "--window", "hann"]
    result = tune(*words, "--json", tmp_path / "a.json", region=None)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "a.json").read_text())
    compared = [(point["patch_size"][0], point["border"]) for point in report["curve"]]
    assert compared == [(12, "edge"), (12, "squeeze"), (8, "edge"), (8, "squeeze")]
    assert [b - a for a, b in zip(*report["region"], strict=True)] == [24, 24, 24]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--region", "0:16,0:16,30:60"], "reaches outside the volume along x"),
        (["--region", "everything"], "A region is written as intervals"),
        (["--overlap", "1"], "overlap must be at least 0 and below 1"),
        (["--patch", "64"], "the volume has only"),
        (["--cache", "much"], "a size is a number with an optional unit"),
        (["--json", "no/such/folder/a.json"], "folder of no/such/folder/a.json does not exist"),
        (["--recipe", "."], "is a folder; name a file"),
        (["--truth", "no.zarr"], "no.zarr"),
    ],
)
def test_one_sentence_for_bad_input(tune, words, text):
    result = tune(*words)
    assert result.exit_code in {1, 2}
    assert text in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_a_truth_without_foreground_or_of_another_shape(tune, tmp_path):
    empty = store(tmp_path / "empty.zarr", np.zeros(SHAPE, np.uint8))
    assert "holds no foreground in truth" in tune(truth=empty).stderr
    other = store(tmp_path / "other.zarr", np.ones((4, 5, 6), np.uint8))
    assert "truth has the shape 4 x 5 x 6" in tune(truth=other).stderr


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "is no JSON"),
        ("[1]", "must hold one object of settings"),
        ('{"overlaps": 1}', "overlaps is not a setting"),
        ('{"overlap": 2}', "overlap must be at least 0 and below 1"),
        (None, "cannot be read"),
    ],
)
def test_a_recipe_that_is_none(tune, invoke, network, tmp_path, *, content, text):
    recipe = tmp_path / "r.json"
    if content is not None:
        recipe.write_text(content)
    volume = tmp_path / "volume.zarr"
    result = invoke("segment", volume, tmp_path / "o.ome.zarr", "--model", network, "--recipe", recipe)
    assert result.exit_code == 1
    assert text in result.stderr
    assert not (tmp_path / "o.ome.zarr").exists()


def test_a_window_of_measured_errors_is_compared_written_and_recommended(tune, invoke, network, tmp_path, monkeypatch):
    """The network errs in two voxels at each face of its patch and nowhere else, so the window must leave those out."""
    (tmp_path / "deep").mkdir()
    file, recipe = tmp_path / "deep" / "errors.safetensors", tmp_path / "r.json"
    words = ["--overlap", "0.5", "--window", "constant", "--tolerance", "0", "--json", tmp_path / "a.json"]
    result = tune(*words, "--csv", tmp_path / "a.csv", "--recipe", recipe, "--performance-window", file)
    assert (result.exit_code, result.stderr) == (0, ""), result.output

    window = load_window(file)
    weights = np.frombuffer(window.values).reshape(window.size)
    assert weights.shape == (12, 12, 12)
    np.testing.assert_allclose(weights[4:-4, 4:-4, 4:-4], 1)
    assert max(weights[0].max(), weights[:, -1].max()) < 0.01

    report = json.loads((tmp_path / "a.json").read_text())
    constant, performance = report["curve"]
    assert [point["window"] for point in report["curve"]] == ["constant", "performance"]
    assert report["recommended"]["window"] == "performance"
    assert constant["patches"] == performance["patches"]
    assert constant["dice"] < 0.98 < performance["dice"]
    assert [row["window"] for row in csv.DictReader((tmp_path / "a.csv").read_text().splitlines())] == [
        "constant",
        "performance",
    ]
    scored, measured = (Box(*map(tuple, part["region"])) for part in (report, report["performance_window"]))
    assert scored.intersect(measured).size == 0
    assert not report["performance_window"]["measured_where_scored"]
    assert "performance: inverse error rate by patch coordinate" in result.stdout
    assert "window performance takes" in result.stdout.splitlines()[-1]

    assert json.loads(recipe.read_text())["window"] == "deep/errors.safetensors"
    monkeypatch.chdir(tmp_path.parent)
    output = tmp_path / "out.ome.zarr"
    line = ["segment", tmp_path / "volume.zarr", output, "--model", network, "--recipe", recipe]
    assert invoke(*line, "--region", "10:26,8:24,12:28").exit_code == 0
    labels = zarr.open_group(output, mode="r")["0"][...] > 0
    right = zarr.open_array(tmp_path / "truth.zarr", mode="r")[10:26, 8:24, 12:28] > 0
    assert performance["dice"] == pytest.approx(2 * (labels & right).sum() / (labels.sum() + right.sum()))


def test_without_room_or_truth_the_window_comes_with_a_warning(tune, tmp_path):
    words = ["--overlap", "0", "--window", "hann", "--performance-window", tmp_path / "w.safetensors"]
    result = tune(*words, region=":,:,:")
    assert "its score is flattered" in result.stderr
    assert "where it is scored" in result.stdout
    result = tune(*words, "--json", tmp_path / "a.json", truth=None)
    assert "consensus that trusts the middle" in result.stderr
    assert "flattered" not in result.stderr
    report = json.loads((tmp_path / "a.json").read_text())
    assert report["performance_window"]["is_proxy"]
    assert any("consensus that trusts the middle" in text for text in report["warnings"])


def test_a_truth_that_is_empty_elsewhere_leaves_the_scored_region(tune, tmp_path, voxels):
    labels = np.zeros(SHAPE, np.uint8)
    labels[10:26, 8:24, 12:28] = voxels[10:26, 8:24, 12:28] > 0.5
    words = ["--overlap", "0", "--window", "hann", "--performance-window", tmp_path / "w.safetensors"]
    result = tune(*words, truth=store(tmp_path / "here.zarr", labels))
    assert result.exit_code == 0, result.output
    assert "its score is flattered" in result.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--performance-window", "w.npy"], "must end in .safetensors"),
        (["--performance-window", "no/such/w.safetensors"], "folder of no/such/w.safetensors does not exist"),
        (["--performance-window", "w.safetensors", "--patch", "8"], "fits one patch size"),
        (["--performance-window", "w.safetensors", "--border", "adaptive"], "add another --border"),
    ],
)
def test_what_a_performance_window_cannot_serve(tune, words, text):
    result = tune(*words)
    assert result.exit_code in {1, 2}
    assert text in result.stderr
    assert "Traceback" not in result.output
