"""Trainings of seconds: the loss falls, a resumed one is the same, what does not fit is refused."""

from __future__ import annotations

import builtins
import csv

import numpy as np
import pytest
import torch

from napari_seamless.engine import Control
from napari_seamless.errors import (
    MissingDependencyError,
    ModelError,
    OutputExistsError,
    RunCancelledError,
    SettingsError,
)
from napari_seamless.models import load_model
from napari_seamless.models.oss_net import load
from napari_seamless.training import EpochDone, StepDone
from napari_seamless.training.oss_net import (
    OccupancyData,
    TensorBoardLog,
    make_occupancy_settings,
    read_training,
    train_occupancy,
)


@pytest.fixture
def data(pair) -> OccupancyData:
    return OccupancyData(pairs=[pair])


def test_a_training_lowers_the_loss_and_leaves_a_network_that_says_what_it_learned(data, quick, tmp_path):
    settings = quick(
        setting="oss_net_full",
        epochs=6,
        samples_per_epoch=32,
        batch_size=4,
        coordinates=256,
        learning_rate=2e-2,
        milestones=(),
        validate_every=3,
    )
    trained = train_occupancy(data, tmp_path / "net.safetensors", settings)
    losses = [epoch.loss for epoch in trained.epochs]
    assert losses[-1] < 0.6 * losses[0]
    assert trained.evaluation.dice["inside"] > 0.7
    network = load(tmp_path / "net.safetensors")
    assert network.settings.latent_grid == (2, 2, 2)
    for name, value in trained.trainee.network.state_dict().items():
        assert torch.equal(network.state_dict()[name], value)
    said = read_training(tmp_path / "net.safetensors")
    assert said["crop"] == [16, 16, 16]
    assert said["evaluation"]["by_distance"] == trained.evaluation.by_distance
    history = (tmp_path / "net.safetensors.training" / "history.csv").read_text()
    rows = list(csv.DictReader(history.splitlines()))
    assert [float(row["loss"]) for row in rows] == pytest.approx(losses, abs=1e-6)
    assert [bool(row["dice"]) for row in rows] == [False, False, True] * 2


@pytest.mark.parametrize("setting", ["vanilla_o_net", "residual_unet"])
def test_the_baselines_are_trained_by_the_same_call(data, quick, tmp_path, setting):
    suffix = "pt" if setting == "residual_unet" else "safetensors"
    path = tmp_path / f"net.{suffix}"
    trained = train_occupancy(data, path, quick(setting=setting, epochs=3, learning_rate=5e-3))
    assert trained.epochs[-1].loss < trained.epochs[0].loss
    assert trained.trainee.segment(trained.example).shape == (16, 16, 16)
    if suffix == "pt":
        assert load_model(path).spec.classes == ("outside", "inside")
    assert read_training(path)["settings"]["setting"] == setting


def test_several_classes_are_learned_by_a_softmax(pair, quick, tmp_path):
    labels = pair[1] * np.where(np.arange(48) < 24, 1, 2).astype(np.uint8)
    settings = quick(classes=3, held_out_axis="z")
    trained = train_occupancy(OccupancyData(pairs=[(pair[0], labels)]), tmp_path / "net.safetensors", settings)
    assert list(trained.evaluation.dice) == ["class 1", "class 2"]


class Stop(Exception):  # noqa: N818  a stand-in for a kill
    pass


def test_a_resumed_training_has_the_losses_and_weights_of_one_that_never_stopped(data, quick, tmp_path):
    settings = quick(setting="vanilla_o_net", epochs=4, dropout=0.2)
    whole, losses = [], []
    uninterrupted = train_occupancy(data, tmp_path / "one.safetensors", settings, on_event=whole.append)

    def stop_in_the_third(event):
        losses.append(event)
        if isinstance(event, StepDone) and event.epoch == 2:
            raise Stop

    with pytest.raises(Stop):
        train_occupancy(data, tmp_path / "two.safetensors", settings, on_event=stop_in_the_third)
    losses.pop()
    resumed = train_occupancy(data, tmp_path / "two.safetensors", settings, resume=True, on_event=losses.append)
    steps = [[(e.epoch, e.step, e.loss) for e in events if isinstance(e, StepDone)] for events in (whole, losses)]
    assert steps[0] == steps[1]
    states = [torch.load(tmp_path / f"{n}.safetensors.training/checkpoint.pt") for n in ("one", "two")]
    for name, value in states[0]["step"]["network"].items():
        assert torch.equal(value, states[1]["step"]["network"][name])
    for one, two in zip(resumed.evaluation.by_distance, uninterrupted.evaluation.by_distance, strict=True):
        assert one == pytest.approx(two)


def test_rates_fall_at_the_milestones(data, quick, tmp_path):
    events = []
    settings = quick(setting="vanilla_o_net", epochs=3, milestones=(1, 2), learning_rate=0.1)
    train_occupancy(data, tmp_path / "net.safetensors", settings, on_event=events.append)
    rates = [event.learning_rate for event in events if isinstance(event, EpochDone)]
    assert rates == pytest.approx([0.1, 0.01, 0.001])


def test_weights_of_another_training_can_be_gone_on_with(data, quick, tmp_path):
    first = train_occupancy(data, tmp_path / "one.safetensors", quick(epochs=1))
    again = OccupancyData(pairs=data.pairs, weights=first.path)
    train_occupancy(again, tmp_path / "two.safetensors", quick(epochs=1, learning_rate=1e-12, activation_rate=1e-12))
    one, two = (
        load(tmp_path / f"{name}.safetensors").decoder.blocks[0].linear_layer_1.weight for name in ("one", "two")
    )
    torch.testing.assert_close(one, two)
    with pytest.raises(ModelError, match="do not fit"):
        train_occupancy(again, tmp_path / "three.safetensors", quick(width=8))


def test_a_cancelled_training_goes_on_from_its_checkpoint(data, quick, tmp_path):
    control = Control()

    def cancel(event):
        if isinstance(event, EpochDone):
            control.cancel()

    path = tmp_path / "net.safetensors"
    with pytest.raises(RunCancelledError):
        train_occupancy(data, path, quick(), on_event=cancel, control=control)
    with pytest.raises(OutputExistsError, match="resume or to overwrite"):
        train_occupancy(data, path, quick())
    with pytest.raises(SettingsError, match="another width"):
        train_occupancy(data, path, quick(width=8), resume=True)
    assert len(train_occupancy(data, path, quick(), resume=True).epochs) == 2


def test_what_does_not_fit_is_refused_before_anything_is_written(data, pair, quick, tmp_path):
    cases = [
        (data, "net.pt", quick(), "must end in .safetensors"),
        (OccupancyData(pairs=[]), "net.safetensors", quick(), "at least one image"),
        (OccupancyData(pairs=[pair, pair], borders=[pair[1]]), "net.safetensors", quick(), "border map for each"),
        (data, "none/net.safetensors", quick(), "folder that exists"),
        (data, "net.safetensors", quick(crop=20), "multiple of 8"),
    ]
    for given, name, settings, words in cases:
        with pytest.raises(SettingsError, match=words):
            train_occupancy(given, tmp_path / name, settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"setting": "oss_net_Z"}, "setting must be one of"),
        ({"epochs": 0}, "epochs"),
        ({"colour": 1}, "colour is not a setting"),
        ({"inside": (1,), "classes": 2}, "goes with one class"),
    ],
)
def test_wrong_settings_are_told_in_a_sentence(values, words):
    with pytest.raises(SettingsError, match=words) as caught:
        make_occupancy_settings(**values)
    assert str(caught.value).endswith(".")


def test_a_log_holds_what_was_told(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = TensorBoardLog(tmp_path)
    rest = {"region_weight": 1.0, "boundary_weight": 0.0, "learning_rate": 0.1, "seconds": 1.0}
    for number in (1, 2):
        for step in (1, 2):
            log(StepDone(epoch=number, step=step, steps=2, loss=1 / (number + step)))
        dice = {"inside": 0.5} if number == 2 else None
        log(EpochDone(epoch=number, loss=1 / number, dice=dice, **rest))
    log.close()
    read = EventAccumulator(str(tmp_path))
    read.Reload()
    told = {tag: [(one.step, one.value) for one in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
    np.testing.assert_allclose(told["loss/step"], [(3, 1 / 2), (4, 1 / 3), (5, 1 / 3), (6, 1 / 4)])
    assert told["loss/epoch"] == [(1, 1.0), (2, 0.5)]
    np.testing.assert_allclose(told["learning rate"], [(1, 0.1), (2, 0.1)])
    assert told["validation/dice"] == [(2, 0.5)]
    np.testing.assert_allclose(told["validation/iou"], [(2, 1 / 3)])


def test_a_log_without_tensorboard_says_what_to_install(monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *arguments, **named):
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match="tensorboard"):
        TensorBoardLog(tmp_path)
