"""`train oss-net`: what it prints, writes and refuses, with real trainings of seconds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.cli.cases import assert_refused, store

from napari_seamless.cli.train_oss_net import SETTINGS
from napari_seamless.models import load_model
from napari_seamless.models.oss_net import load
from napari_seamless.training.oss_net import OccupancyTrainingSettings

SHAPE = (16, 16, 40)
QUICK = [
    *("--crop", 16, "--encoder-channels", "4,6", "--width", 8, "--decoder-blocks", 1, "--samples", 2),
    *("--batch-size", 2, "--coordinates", 64, "--validation-coordinates", 64, "--epochs", 1, "--device", "cpu"),
]


@pytest.fixture
def files(tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:12, 4:12, 4:36] = 1
    image = (labels + np.random.default_rng(0).normal(0, 0.3, SHAPE)).astype(np.float32)
    return store(tmp_path / "image.zarr", image), store(tmp_path / "labels.zarr", labels)


@pytest.fixture
def train(invoke, files, tmp_path):
    def call(*words, image=files[0], labels=files[1], output=tmp_path / "net.safetensors"):
        return invoke("train", "oss-net", "--images", image, "--labels", labels, "--out", output, *QUICK, *words)

    return call


def test_the_options_are_the_settings_and_the_help_says_their_defaults():
    fields = OccupancyTrainingSettings.model_fields
    assert ["setting", *SETTINGS] == list(fields)
    for name, (*_, said) in SETTINGS.items():
        default = fields[name].default
        if default is True:
            assert said == name
        elif default is not None:
            assert said == str(default)


def test_the_other_training_keeps_its_words_and_names_this_one(invoke):
    own, other = invoke("train", "--help"), invoke("train", "oss-net", "--help")
    assert "OUTPUT" in own.stdout
    assert "train oss-net --help" in " ".join(own.stdout.split())
    assert "train oss-net [OPTIONS]" in other.stdout
    assert "--coordinates" in other.stdout


def test_a_training_is_reported_and_leaves_a_network(train, tmp_path):
    result = train("--milestones", 1, "--encoder-channels", "4,6")
    assert result.exit_code == 0, result.output
    assert "epoch 1 of 1: loss" in result.stderr
    assert result.stdout.startswith(f"{tmp_path / 'net.safetensors'} holds the network of epoch 1 of 1: Dice ")
    assert "voxels from the border" in result.stdout
    assert load(tmp_path / "net.safetensors").settings.encoder_channels == (4, 6)
    assert_refused(train(), "There is a network in")
    again = train("--resume", "--milestones", 1, "--json")
    values = json.loads(again.stdout)
    assert values["peak_memory_bytes"] >= 0
    assert [row["voxels"] for row in values["by_distance"]][4:6] == ["-1 to 0", "0 to 1"]


@pytest.mark.slow
def test_several_networks_are_compared_in_one_table(train, tmp_path):
    result = train("--setting", "vanilla_o_net", "--setting", "residual_unet", "--quiet", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [row["setting"] for row in rows] == ["vanilla_o_net", "residual_unet"]
    assert all(row["peak_memory_bytes"] > 0 and row["inference_seconds"] > 0 for row in rows)
    assert load(tmp_path / "net.vanilla_o_net.safetensors").settings.local_patches is False
    assert load_model(tmp_path / "net.residual_unet.pt").spec.patch_size == (16, 16, 16)


def test_bad_input_is_refused_in_a_sentence(train, files, tmp_path):
    empty = store(tmp_path / "empty.zarr", np.zeros(SHAPE, np.uint8))
    short = store(tmp_path / "short.zarr", np.zeros((16, 16, 39), np.uint8))
    spoilt = store(tmp_path / "spoilt.zarr", np.full(SHAPE, np.nan, np.float32))
    small = store(tmp_path / "small.zarr", np.zeros((6, 16, 40), np.uint8))
    cases = [
        ({"labels": empty}, [], "nothing inside"),
        ({"labels": short}, [], "16 x 16 x 39 voxels"),
        ({"image": spoilt}, [], "NaN"),
        ({"image": small, "labels": small}, [], "8 or more are needed"),
        ({}, ["--setting", "oss_net_Z"], "setting must be one of"),
        ({}, ["--crop", 12], "multiple of 8"),
        ({}, ["--inside", 7], "nothing inside"),
        ({}, ["--load", files[0]], "cannot be read"),
        ({"output": tmp_path / "net.pt"}, [], "must end in .safetensors"),
        ({}, ["--resume"], "There is no checkpoint"),
    ]
    for given, words, sentence in cases:
        assert_refused(train(*words, **given), sentence)
    assert train("--resume", "--overwrite").exit_code == 2
    assert train("--setting", "oss_net_A", "--setting", "oss_net_A").exit_code == 2
