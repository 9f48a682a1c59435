"""`train`: what it prints, writes and refuses, with a real training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tests.cli.cases import assert_refused, store

from napari_seamless.cli.train import DEFAULTS, SETTINGS
from napari_seamless.models import load_model, load_performance
from napari_seamless.training import TrainingSettings

SHAPE = (12, 16, 14)
QUICK = ["--patch", "8", "--patches", "2", "--channels", "4,6", "--device", "cpu"]


@pytest.fixture
def files(tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:8, 4:10, 4:10] = 1
    image = (labels + np.random.default_rng(0).normal(0, 0.3, SHAPE)).astype(np.float32)
    return store(tmp_path / "image.zarr", image), store(tmp_path / "labels.zarr", labels)


@pytest.fixture
def train(invoke, files, tmp_path):
    def call(*words, output=tmp_path / "net.pt", image=files[0], labels=files[1]):
        return invoke("train", output, "--image", image, "--labels", labels, *QUICK, *words)

    return call


def test_the_options_are_the_settings_and_the_help_says_their_defaults():
    assert list(SETTINGS) == list(TrainingSettings.model_fields)
    for name, field in TrainingSettings.model_fields.items():
        if isinstance(field.default, tuple):
            assert DEFAULTS[name] == ",".join(map(str, field.default))
        elif field.default is True:
            assert DEFAULTS[name] == name
        elif field.default is not None:
            assert DEFAULTS[name] == str(field.default)


def test_a_training_is_reported_and_leaves_a_network(train, invoke, tmp_path):
    result = train("--epochs", 2, "--validate-every", 1, "--loss", "dice+boundary", "--classes", "background,box")
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in lines] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert all("Dice box" in line for line in lines)
    assert result.stdout.startswith(f"{tmp_path / 'net.pt'} holds the network of epoch")
    assert load_model(tmp_path / "net.pt").spec.classes == ("background", "box")
    assert load_performance(tmp_path / "net.pt")["patches"] == 4
    segmented = invoke("segment", tmp_path / "image.zarr", tmp_path / "out.zarr", "--model", tmp_path / "net.pt")
    assert segmented.exit_code == 0, segmented.output


def test_resume_goes_on_and_quiet_is_quiet(train):
    assert train("--epochs", 1, "--quiet").output == ""
    assert_refused(train("--epochs", 1), "There is a network in", "net.pt")
    result = train("--epochs", 2, "--resume")
    assert result.exit_code == 0, result.output
    assert "epoch 2 of 2" in result.stderr
    assert "epoch 1 of 2" not in result.stderr


def test_bad_input_is_refused_in_a_sentence(train, files, tmp_path):
    half = store(tmp_path / "half.zarr", np.full(SHAPE, 0.5, np.float32))
    short = store(tmp_path / "short.zarr", np.zeros((12, 16, 13), np.uint8))
    cases = [
        ({"labels": half}, [], "not whole numbers"),
        ({"labels": short}, [], "12 x 16 x 13 voxels"),
        ({"labels": tmp_path / "none.zarr"}, [], "does not exist"),
        ({}, ["--loss", "dice+boundary", "--classes", "a,b,c"], "No voxel of the labels has the class 2"),
        ({}, ["--classes", "a"], "at least one more class"),
        ({}, ["--loss", "dise"], "loss must be one or more of"),
        ({}, ["--resume"], "no checkpoint"),
        ({}, ["--patch", "8,8"], "patch_size must be one number or one for each of 3 spatial axes"),
        ({}, ["--patch", "64"], "choose a smaller patch"),
        ({}, ["--device", "abacus"], "device must be auto"),
        ({"output": tmp_path / "no" / "net.pt"}, [], "in a folder that exists"),
    ]
    before = sorted(tmp_path.iterdir())
    for changes, words, text in cases:
        assert_refused(train(*words, **changes), text)
    assert sorted(tmp_path.iterdir()) == before


def test_wrong_words_are_refused(train, files):
    for words, text in (
        (["--overwrite", "--resume"], "contradict each other"),
        (["--image", files[0]], "Each --image needs its --labels, got 2 and 1"),
        (["--validation-image", files[0]], "Each --validation-image needs its --validation-labels"),
    ):
        result = train(*words)
        assert result.exit_code == 2
        assert text in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals as terminals send them")
@pytest.mark.slow
def test_ctrl_c_keeps_the_best_network_and_the_checkpoint(files, tmp_path):
    words = ["train", tmp_path / "net.pt", "--image", files[0], "--labels", files[1], *QUICK]
    words += ["--epochs", "5000", "--validate-every", "1"]
    code = "from napari_seamless.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "net.pt.training" / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, (output, errors)
    assert "The best network so far is in" in errors
    assert "--resume goes on from the last checkpoint" in errors
    assert "Traceback" not in errors
    assert load_model(tmp_path / "net.pt").spec.classes == ("background", "class 1")
