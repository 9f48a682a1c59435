"""Training as a whole: it learns, resumes exactly, keeps the best, and leaves a file that inference needs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.volumes import ball, noisy, volume_of
from torch import nn

from napari_seamless.engine import Control, segment
from napari_seamless.errors import ModelError, OutputExistsError, RunCancelledError, SettingsError, StorageError
from napari_seamless.models import load_model, load_performance
from napari_seamless.quality import dice_scores
from napari_seamless.training import EpochDone, StepDone, make_training_settings, train
from napari_seamless.training.checkpoint import load_checkpoint, save_checkpoint
from napari_seamless.training.label_array import LabelArray
from napari_seamless.training.validation import partial_dice

SHAPE = (16, 18, 20)
LABELS = ball(SHAPE, 5.0)
IMAGE = noisy(LABELS)
SMALL = {
    "patch_size": 8,
    "epochs": 3,
    "patches_per_epoch": 4,
    "channels": (4, 6),
    "device": "cpu",
    "validate_every": 1,
    "learning_rate": 0.01,
    "performance_epochs": 2,
}


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny operations on two threads spend their time on waiting for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def small(**values: object):
    return make_training_settings(**{**SMALL, **values})


class WithDropout(nn.Module):
    """Draws from torch's own generator at each step."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layers = nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.Dropout3d(0.5), nn.Conv3d(4, 2, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def weights(trained) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in trained.network.state_dict().values()]


def test_it_learns_and_leaves_what_inference_needs(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    events: list[object] = []
    image = volume_of(IMAGE, (2.0, 0.5, 0.5))
    settings = small(
        epochs=4, patches_per_epoch=30, channels=(8, 8), loss="cross_entropy+dice", classes="background,ball"
    )
    trained = train([(image, LABELS)], path, settings, on_event=events.append)
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert epochs == list(trained.epochs)
    assert [e.epoch for e in epochs] == [0, 1, 2, 3]
    assert sum(isinstance(event, StepDone) for event in events) == 4 * 15
    assert epochs[-1].loss < 0.6 * epochs[0].loss
    assert trained.best.dice["ball"] > 0.65
    spec = load_model(path).spec
    assert (spec.name, spec.classes, spec.activation) == ("net", ("background", "ball"), "softmax")
    assert (spec.patch_size, spec.spacing, spec.normalization.kind) == ((8, 8, 8), (2.0, 0.5, 0.5), "zscore")
    assert load_performance(path)["patches"] == 2 * 30
    # the score is that of the engine with the file, as anybody would run it
    result = segment(image, path, overlap=0.25, device="cpu")
    assert dice_scores(result.array, LABELS, spec.classes) == pytest.approx(trained.best.dice)


@pytest.mark.parametrize("loss", ["dice+boundary", "cross_entropy"])
def test_a_training_that_was_killed_resumes_to_the_same_bits(tmp_path: Path, loss: str) -> None:
    settings = small(loss=loss, schedule_step=0.2)
    whole = train([(IMAGE, LABELS)], tmp_path / "whole.pt", settings, network=WithDropout())
    control, path = Control(), tmp_path / "parts.pt"

    def stop(event: object) -> None:
        if isinstance(event, StepDone) and (event.epoch, event.step) == (1, 0):
            control.cancel()  # in the middle of an epoch, whose first steps are lost

    with pytest.raises(RunCancelledError):
        train([(IMAGE, LABELS)], path, settings, network=WithDropout(), on_event=stop, control=control)
    torch.rand(7)  # another process has drawn other numbers
    parts = train([(IMAGE, LABELS)], path, settings, network=WithDropout(), resume=True)
    assert [e.loss for e in parts.epochs] == [e.loss for e in whole.epochs]
    for first, second in zip(weights(whole), weights(parts), strict=True):
        assert torch.equal(first, second)
    assert torch.equal(whole.performance.mean, parts.performance.mean)
    assert parts.best.epoch == whole.best.epoch


def test_worker_processes_change_nothing(tmp_path: Path) -> None:
    alone, helped = (
        train([(IMAGE, LABELS)], tmp_path / f"{n}.pt", small(epochs=2, patches_per_epoch=2, workers=n)) for n in (0, 1)
    )
    assert [e.loss for e in alone.epochs] == [e.loss for e in helped.epochs]


def test_labels_of_a_large_validation_go_to_the_disk(tmp_path: Path, monkeypatch) -> None:
    in_memory = train([(IMAGE, LABELS)], tmp_path / "a.pt", small(epochs=1))
    monkeypatch.setattr("napari_seamless.training.validation.LARGE", 100)
    on_disk = train([(IMAGE, LABELS)], tmp_path / "b.pt", small(epochs=1))
    assert on_disk.best.dice == in_memory.best.dice
    assert (tmp_path / "b.pt.training" / "validation.ome.zarr").is_dir()


def test_the_callers_random_numbers_stay(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    train([(IMAGE, LABELS)], tmp_path / "net.pt", small(epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_resumed_training_may_go_on_longer_but_not_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    train([(IMAGE, LABELS)], path, small(epochs=1))
    longer = train([(IMAGE, LABELS)], path, small(epochs=2), resume=True)
    assert len(longer.epochs) == 2
    with pytest.raises(SettingsError, match="begun with another patch_size"):
        train([(IMAGE, LABELS)], path, small(epochs=2, patch_size=4), resume=True)
    with pytest.raises(SettingsError, match="begun on other volumes"):
        train([(IMAGE[1:], LABELS[1:])], path, small(epochs=3), resume=True)
    with pytest.raises(SettingsError, match=r"no checkpoint .* to resume from"):
        train([(IMAGE, LABELS)], tmp_path / "other.pt", small(), resume=True)


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    train([(IMAGE, LABELS)], path, small(epochs=1))
    with pytest.raises(OutputExistsError, match="There is a network in"):
        train([(IMAGE, LABELS)], path, small(epochs=1))
    path.unlink()
    with pytest.raises(OutputExistsError, match="There is a training in"):
        train([(IMAGE, LABELS)], path, small(epochs=1))
    train([(IMAGE, LABELS)], path, small(epochs=1), overwrite=True)


def test_the_best_network_is_kept_when_later_ones_are_worse(tmp_path: Path, monkeypatch) -> None:
    scores = iter([{"class 1": 0.5}, {"class 1": 0.75}, {"class 1": 0.25}])
    monkeypatch.setattr("napari_seamless.training.loop.validate", lambda *_: next(scores))
    seen: list[list[torch.Tensor]] = []
    network = WithDropout()

    def remember(event: object) -> None:
        if isinstance(event, EpochDone):
            seen.append([p.detach().clone() for p in network.parameters()])

    trained = train([(IMAGE, LABELS)], tmp_path / "net.pt", small(), network=network, on_event=remember)
    assert [e.is_best for e in trained.epochs] == [True, True, False]
    assert trained.best.epoch == 1
    kept = list(load_model(tmp_path / "net.pt").network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(kept, seen[1], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(kept, seen[2], strict=True))


def test_validation_volumes_are_the_ones_that_judge(tmp_path: Path) -> None:
    other = np.roll(LABELS, 4, axis=2)
    trained = train([(IMAGE, LABELS)], tmp_path / "net.pt", small(epochs=1), validation=[(noisy(other, 5), other)])
    result = segment(noisy(other, 5), tmp_path / "net.pt", overlap=0.25, device="cpu")
    assert trained.best.dice == pytest.approx(dice_scores(result.array, other, ("background", "class 1")))


def test_one_channel_partial_labels_and_given_maps(tmp_path: Path) -> None:
    labels = LABELS.astype(np.int16)
    labels[:, :, :6] = -1
    maps = np.random.default_rng(0).random((1, *SHAPE), dtype=np.float32)
    network = nn.Sequential(nn.Conv3d(1, 1, 3, padding=1))
    settings = small(epochs=1, loss="cross_entropy+boundary", classes=("background", "ball"))
    trained = train([(IMAGE, labels, maps)], tmp_path / "net.pt", settings, network=network)
    spec = load_model(tmp_path / "net.pt").spec
    assert (spec.activation, spec.out_channels) == ("sigmoid", 1)
    assert not list(trained.path.with_name("net.pt.training").glob("distance*"))
    predicted = np.asarray(segment(IMAGE, tmp_path / "net.pt", overlap=0.25, device="cpu").array)
    painted = labels >= 0
    both = int((predicted[painted] & labels[painted]).sum())
    expected = 2 * both / int(predicted[painted].sum() + labels[painted].sum())
    assert trained.best.dice["ball"] == pytest.approx(expected)


def test_partial_dice_leaves_unpainted_voxels_out() -> None:
    rng = np.random.default_rng(0)
    labels, truth = rng.integers(0, 3, (2, 40))
    partial = np.where(rng.random(40) < 0.3, -1, truth)
    painted = partial >= 0
    names = ("background", "a", "b")
    found = partial_dice(labels, LabelArray(volume_of(partial)), names)
    assert found == pytest.approx(dice_scores(labels[painted], truth[painted], names))


def test_what_cannot_be_trained_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    class Unscriptable(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv3d(1, 2, 1)

        def forward(self, x: torch.Tensor, *rest: object) -> torch.Tensor:
            return self.layer(x)

    for network, match in (
        (Unscriptable(), "Unscriptable cannot be stored as TorchScript"),
        (nn.Conv3d(1, 3, 1), "returns 3 classes, but the labels have 2"),
        (nn.Conv3d(2, 2, 1), r"cannot take a batch of shape \(1, 1, 8, 8, 8\)"),
        (nn.Conv3d(1, 2, 3), r"must return \(batch, class, \*patch\)"),
    ):
        with pytest.raises(ModelError, match=match):
            train([(IMAGE, LABELS)], tmp_path / "net.pt", small(), network=network)
    with pytest.raises(SettingsError, match="no class beside the background"):
        train([(IMAGE, LABELS * 0)], tmp_path / "net.pt", small())
    with pytest.raises(SettingsError, match="path of a file in a folder that exists"):
        train([(IMAGE, LABELS)], tmp_path / "nowhere" / "net.pt", small())
    with pytest.raises(SettingsError, match="at least one image with labels"):
        train([], tmp_path / "net.pt", small())
    assert list(tmp_path.iterdir()) == []


def test_different_spacings_are_told(tmp_path: Path) -> None:
    pairs = [(volume_of(IMAGE, (s, 1.0, 1.0)), LABELS) for s in (1.5, 2.0)]
    with pytest.warns(UserWarning, match="a network sees voxels and no lengths"):
        train(pairs, tmp_path / "net.pt", small(epochs=1, patches_per_epoch=1))


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"epochs": 0}, "epochs: input should be greater than or equal to 1, got 0"),
        ({"flavour": 1}, "flavour is not a setting; the settings are classes"),
        ({"classes": "cell"}, "classes must name the background and at least one more class, got cell"),
        ({"loss": "dise"}, "loss must be one or more of"),
        ({"class_share": 0.9, "border_share": 0.2}, "at most 1 together"),
        ({"schedule_cap": 2}, "start and cap of rebalance at most 1"),
    ],
)
def test_settings_out_of_range_are_refused_with_a_sentence(values, match) -> None:
    with pytest.raises(SettingsError, match=match):
        make_training_settings(**values)


def test_a_checkpoint_is_whole_or_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"settings": json.dumps({}), "value": torch.ones(2)})

    class Unwritable:
        def __reduce__(self):
            raise RuntimeError("disk full")

    with pytest.raises(StorageError, match=r"checkpoint\.pt cannot be written"):
        save_checkpoint(path, {"value": Unwritable()})
    assert torch.equal(load_checkpoint(path)["value"], torch.ones(2))
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_checkpoint_that_holds_code_or_nothing_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(1, 1), tmp_path / "code.pt")
    (tmp_path / "text.pt").write_text("no")
    torch.save({"format": 99}, tmp_path / "old.pt")
    for name in ("code.pt", "text.pt", "old.pt"):
        with pytest.raises(SettingsError, match="start the training anew"):
            load_checkpoint(tmp_path / name)
