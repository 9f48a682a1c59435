"""The demo without a window, on a small brain with a network whose result is known."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import sys
from functools import partial

import matplotlib.image
import numpy as np
import pytest
import zarr
from click.testing import CliRunner
from tests.cli.cases import CLASSES, assert_refused

from napari_seamless.cli.program import program
from napari_seamless.models import load_model
from napari_seamless.types import Level, Volume

SHAPE = (66, 68, 70)


def as_volume(name, data, **fields):
    level = Level(data=data, spacing=(2.0, 1.0, 1.0), translation=(0.0, 5.0, 0.0))
    return Volume(name=name, axes=("z", "y", "x"), levels=(level,), units=("millimeter",) * 3, **fields)


Brain = dataclasses.make_dataclass("Brain", ["image", "labels", "reference"])


def small_brain(networks, patched):
    """Make the demo work on a small volume, with one slab of the reference wrong, and on a machine without display."""
    image = np.random.default_rng(3).random(SHAPE, dtype=np.float32) * 0.9 + 0.05
    labels = np.digitize(image, [0.3, 0.6]).astype(np.uint8)
    reference = labels.copy()
    reference[:10] = 0
    volumes = (
        as_volume("brain", image),
        as_volume("reference", reference, is_labels=True, label_names=dict(enumerate(CLASSES))),
    )
    patched.setattr("napari_seamless.samples.brain", lambda: volumes)
    patched.setattr("napari_seamless.models.load_model", lambda _, **__: load_model(networks["bands"]))
    patched.delenv("DISPLAY", raising=False)
    patched.delenv("WAYLAND_DISPLAY", raising=False)
    return Brain(image, labels, reference)


def run(folder, *words):
    line = ["demo", "--output", folder, "--patch", "32", "--device", "cpu", *words]
    return CliRunner().invoke(program, [str(word) for word in line])


@pytest.fixture
def brain(networks, monkeypatch):
    return small_brain(networks, monkeypatch)


@pytest.fixture
def demo(tmp_path):
    return partial(run, tmp_path / "demo")


@pytest.fixture(scope="module")
def first(networks, tmp_path_factory):
    """A demo as it is without any option; tests look at it and change nothing."""
    folder = tmp_path_factory.mktemp("first") / "demo"
    with pytest.MonkeyPatch.context() as patched:
        brain = small_brain(networks, patched)
        result = run(folder)
    assert result.exit_code == 0, result.output
    return dataclasses.make_dataclass("First", ["folder", "brain", "stdout"])(folder, brain, result.stdout)


def dice(labels, truth, value):
    return 2 * np.sum((labels == value) & (truth == value)) / (np.sum(labels == value) + np.sum(truth == value))


def test_it_leaves_labels_a_picture_and_a_summary(first):
    folder, brain = first.folder, first.brain
    visible = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    assert visible == ["brain.ome.zarr", "labels.ome.zarr", "reference.ome.zarr", "slices.png", "summary.json"]
    np.testing.assert_array_equal(zarr.open_group(folder / "labels.ome.zarr", mode="r")["0"][...], brain.labels)
    report = json.loads((folder / "summary.json").read_text())
    scores = {name: dice(brain.labels, brain.reference, i) for i, name in enumerate(CLASSES) if i}
    assert report["dice"] == pytest.approx(scores)
    assert report["without_overlap"]["dice"] == pytest.approx(scores)  # a network without a view needs no overlap
    assert report["without_overlap"]["plan"]["step"] == [64, 64, 64]
    assert f"cell {scores['cell']:.3f}, gap {scores['gap']:.3f}" in first.stdout
    assert "peak memory" in first.stdout
    assert "forward" in first.stdout


def test_the_printed_line_repeats_the_run(demo, brain, invoke, tmp_path):
    demo("--overlap", "0.25", "--border", "edge", "--no-compare")
    report = json.loads((tmp_path / "demo" / "summary.json").read_text())
    program, *words = shlex.split(report["command"])
    assert program == "napari-seamless"
    again = invoke(*words, "--json")
    assert again.exit_code == 0, again.output
    repeated = json.loads(again.stdout)
    assert again.stderr == ""  # nothing is missing from the input that the demo wrote
    for key in ("output", "patches", "plan", "classes", "dice"):
        assert repeated[key] == report[key]
    assert "without_overlap" not in report


def test_the_input_can_be_opened_with_its_geometry(first, invoke):
    told = json.loads(invoke("info", first.folder / "brain.ome.zarr", "--json").stdout)
    assert (told["spacing"], told["translation"], told["units"]) == (
        [2.0, 1.0, 1.0],
        [0.0, 5.0, 0.0],
        ["millimeter"] * 3,
    )
    told = json.loads(invoke("info", first.folder / "reference.ome.zarr", "--json").stdout)
    assert told["is_labels"]
    assert told["labels"] == {str(i): name for i, name in enumerate(CLASSES)}


def test_the_picture_shows_the_classes_in_their_colours(first):
    pixels = matplotlib.image.imread(first.folder / "slices.png")[..., :3]
    height, width, _ = pixels.shape
    assert min(height, width) > 800
    middle = pixels[height // 8 : -height // 8]
    image, _, result, _ = np.array_split(middle, 4, axis=1)
    assert np.ptp(image, axis=-1).max() < 0.02  # grey
    assert np.ptp(result, axis=-1).max() > 0.5  # in colour
    assert image.max() > 0.9


def test_a_second_demo_replaces_the_first_and_json_is_its_summary(demo, brain, first, tmp_path):
    shutil.copytree(first.folder, tmp_path / "demo")
    (tmp_path / "demo" / "mine.txt").write_text("kept")
    result = demo("--no-compare", "--json", "--overlap", "0")
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "demo" / "summary.json").read_text())
    assert summary["plan"]["overlap"] == 0
    assert json.loads(result.stdout) == summary
    assert (tmp_path / "demo" / "mine.txt").read_text() == "kept"


def test_a_folder_that_the_demo_did_not_make_is_left_alone(demo, brain, tmp_path):
    (tmp_path / "demo" / "labels.ome.zarr").mkdir(parents=True)
    assert_refused(demo(), "--output", "demo")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["labels.ome.zarr"]


def test_a_folder_that_cannot_be_made(invoke, brain, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert_refused(invoke("demo", "--output", tmp_path / "file" / "demo"), "--output", "cannot be written")


def test_without_the_samples_it_says_what_to_install(demo, monkeypatch, tmp_path):
    monkeypatch.setattr("napari_seamless.samples.importlib.util.find_spec", lambda name: None)
    assert_refused(demo("--headless"), "napari-seamless[samples]")
    assert not (tmp_path / "demo").exists()


def test_a_display_opens_the_window(invoke, brain, monkeypatch):
    opened = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("napari_seamless.cli.demo.run_in_window", lambda: opened.append(True))
    assert invoke("demo").exit_code == 0
    assert opened == [True]


def test_a_display_without_napari_runs_on_the_terminal(demo, brain, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("napari_seamless.cli.demo.window_is_installed", lambda: False)
    result = demo("--no-compare")
    assert result.exit_code == 0
    assert "without a window" in result.stderr
    assert "labels.ome.zarr" in result.stdout


def test_a_window_that_cannot_be_imported_is_one_sentence(invoke, brain, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setitem(sys.modules, "napari_seamless._qt.demo", None)
    assert_refused(invoke("demo"), "pip install", "--headless")
