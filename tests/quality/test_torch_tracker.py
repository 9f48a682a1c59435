"""A tracked loss is the same loss, and keeps what passed through it."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from napari_seamless import TorchPatchPerformance
from napari_seamless.errors import SettingsError

PATCH = (6, 5)


def batch(n: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 1, *PATCH, generator=generator), torch.rand(n, 1, *PATCH, generator=generator).round()


@pytest.mark.parametrize("wrap", [TorchPatchPerformance, TorchPatchPerformance.track])
@pytest.mark.parametrize("loss", [nn.BCELoss(), nn.BCEWithLogitsLoss(), nn.MSELoss(reduction="sum"), F.l1_loss])
@pytest.mark.parametrize("measure", ["binary_cross_entropy", "l2"])
def test_value_and_gradient_are_those_of_the_loss(
    wrap: Callable[..., TorchPatchPerformance], loss: Any, measure: str
) -> None:
    tracker = wrap(loss=loss, measure=measure)
    assert isinstance(tracker, nn.Module)
    assert (tracker.loss, tracker.measure) == (loss, measure)
    prediction, target = batch()
    ours, own = (prediction.clone().requires_grad_() for _ in range(2))
    value, truth = tracker(ours, target), loss(own, target)
    assert torch.equal(value, truth)
    value.backward()
    truth.backward()
    assert torch.equal(ours.grad, own.grad)
    assert tracker.n_patches_seen == 3
    assert tracker.calculate_performance().shape == (1, *PATCH)


def test_the_map_is_the_mean_over_all_batches() -> None:
    tracker = TorchPatchPerformance.track(nn.BCELoss(), "binary_cross_entropy")
    batches = [batch(n, seed=n) for n in (3, 1, 4)]
    for prediction, target in batches:
        tracker(prediction, target)
    p, t = (np.concatenate([pair[i].double() for pair in batches]) for i in range(2))
    truth = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    found = tracker.calculate_performance()
    assert found.dtype == torch.float64
    assert not found.requires_grad
    np.testing.assert_allclose(found, truth.mean(0), rtol=1e-5)
    np.testing.assert_allclose(tracker.variance, truth.var(0), rtol=1e-4)
    np.testing.assert_array_equal(tracker.count, np.full((1, *PATCH), 8))
    tracker.reset()
    assert tracker.n_patches_seen == 0


@pytest.mark.parametrize("wrap", [TorchPatchPerformance, TorchPatchPerformance.track])
def test_an_unknown_measure_is_refused(wrap: Callable[..., TorchPatchPerformance]) -> None:
    with pytest.raises(ValueError, match="measure must be one of"):
        wrap(nn.BCELoss(), measure="nonsense")


def named(y_pred: torch.Tensor, y_true: torch.Tensor, weight: float = 1.0) -> torch.Tensor:
    return weight * (y_pred - y_true).abs().mean()


@pytest.mark.parametrize(
    ("loss", "call"),
    [
        (nn.BCELoss(), lambda loss, p, t: loss(p, t)),
        (nn.BCELoss(), lambda loss, p, t: loss(p, target=t)),
        (nn.BCELoss(), lambda loss, p, t: loss(target=t, input=p)),
        (named, lambda loss, p, t: loss(p, t, 2.0)),
        (named, lambda loss, p, t: loss(p, y_true=t, weight=2.0)),
        (named, lambda loss, p, t: loss(weight=2.0, y_true=t, y_pred=p)),
    ],
)
def test_arguments_are_passed_on_by_place_and_by_name(loss: Any, call: Callable[..., torch.Tensor]) -> None:
    prediction, target = batch()
    tracker = TorchPatchPerformance(loss, "l2")
    assert torch.equal(call(tracker, prediction, target), call(loss, prediction, target))
    np.testing.assert_allclose(tracker.mean, (prediction - target).abs().double().mean(0))


def test_a_call_without_a_target_is_explained() -> None:
    tracker = TorchPatchPerformance(lambda value: value.sum(), "l2")
    with pytest.raises(SettingsError, match="a prediction and a target, both tensors, got Tensor"):
        tracker(torch.rand(2, 1, 3))


def test_attributes_of_the_loss_are_reached_through_the_tracker() -> None:
    tracker = TorchPatchPerformance(nn.BCELoss(reduction="sum"))
    assert tracker.reduction == "sum"
    with pytest.raises(AttributeError, match="nothing"):
        _ = tracker.nothing


def test_what_the_loss_ignores_does_not_count() -> None:
    scores, labels = torch.randn(3, 2, 5), torch.tensor([[0, 1, 1, 0, 1]] * 3)
    labels[0, 0], labels[:, 1] = -100, -100
    tracker = TorchPatchPerformance(nn.CrossEntropyLoss(), "cross_entropy")
    tracker(scores, labels)
    assert tracker.count.tolist() == [2, 0, 3, 3, 3]
    assert tracker.mean[1].isnan()
    tracker = TorchPatchPerformance(nn.CrossEntropyLoss(ignore_index=1), "cross_entropy")
    tracker(scores, labels.clamp(0))
    assert tracker.count.tolist() == [3, 3, 0, 3, 0]


def test_its_state_continues_where_it_was(tmp_path: Any) -> None:
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]))
    scores, labels = torch.randn(4, 2, 5), torch.ones(4, 5, dtype=torch.int64)
    tracker, whole = (TorchPatchPerformance(copy.deepcopy(loss), "cross_entropy") for _ in range(2))
    tracker(scores[:3], labels[:3])
    file = io.BytesIO()
    torch.save(tracker.state_dict(), file)
    file.seek(0)
    restored = TorchPatchPerformance(copy.deepcopy(loss), "cross_entropy")
    restored.load_state_dict(torch.load(file, weights_only=True))
    restored(scores[3:], labels[3:])
    whole(scores, labels)
    assert (restored.n_patches_seen, tracker.n_patches_seen) == (4, 3)
    torch.testing.assert_close(restored.mean, whole.mean)
    torch.testing.assert_close(restored.variance, whole.variance)


def test_its_text_says_what_it_measures() -> None:
    tracker = TorchPatchPerformance(nn.BCELoss(), "l2")
    tracker(*batch())
    assert "measure=l2, n_patches_seen=3" in repr(tracker)
    assert pickle.loads(pickle.dumps(tracker)).n_patches_seen == copy.deepcopy(tracker).n_patches_seen == 3


def test_an_empty_state_is_a_state_too() -> None:
    tracker = TorchPatchPerformance(nn.BCELoss())
    tracker(*batch())
    tracker.load_state_dict(TorchPatchPerformance(nn.BCELoss()).state_dict())
    assert tracker.n_patches_seen == 0


def test_moving_it_moves_the_statistics_and_keeps_their_type() -> None:
    tracker = TorchPatchPerformance(nn.CrossEntropyLoss(weight=torch.ones(2)), "cross_entropy")
    assert tracker.to("cpu") is tracker
    tracker(torch.randn(2, 2, 5), torch.ones(2, 5, dtype=torch.int64))
    before = tracker.calculate_performance()
    assert tracker.half().loss.weight.dtype == torch.float16
    assert torch.equal(tracker.calculate_performance(), before)
    assert tracker.to("meta").mean.device.type == "meta"


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_sixteen_bits_are_measured_in_full_precision(kind: torch.dtype) -> None:
    network, (image, target) = nn.Conv2d(1, 1, 3, padding=1), batch()
    tracker = TorchPatchPerformance(nn.BCEWithLogitsLoss(), "binary_cross_entropy")
    with torch.autocast("cpu", dtype=kind):
        prediction = network(image).sigmoid()
        assert prediction.dtype == kind
        tracker(prediction, target)
    truth = F.binary_cross_entropy(prediction.float(), target, reduction="none").double().mean(0)
    np.testing.assert_allclose(tracker.mean.detach(), truth.detach(), rtol=1e-6)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_validation_without_gradients_mixes_with_training(mode: Callable[[], Any]) -> None:
    prediction, target = batch()
    tracker = TorchPatchPerformance(nn.BCELoss(), "l2")
    with mode():
        tracker(prediction, target)
    prediction.requires_grad_()
    tracker(prediction, target).backward()
    assert tracker.n_patches_seen == 6
    assert not tracker.mean.requires_grad


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own, while it traces
def test_a_compiled_loss_tracks_too() -> None:
    prediction, target = batch()
    tracker = TorchPatchPerformance(nn.BCELoss(), "l2")
    compiled = torch.compile(tracker, backend="eager")
    ours = prediction.clone().requires_grad_()
    for _ in range(2):
        value = compiled(ours, target)
    value.backward()
    assert torch.equal(value.detach(), F.binary_cross_entropy(prediction, target))
    assert tracker.n_patches_seen == 6
    np.testing.assert_allclose(tracker.mean, (prediction - target).abs().double().mean(0))


def test_copies_of_a_data_parallel_module_share_the_statistics() -> None:
    tracker = TorchPatchPerformance(nn.BCELoss(), "l2")
    for replica in (tracker._replicate_for_data_parallel() for _ in range(2)):
        replica._modules["loss"] = tracker.loss
        replica(*batch())
    assert tracker.n_patches_seen == 6


def test_trackers_merge() -> None:
    one, other = (TorchPatchPerformance(nn.BCELoss(), "l2") for _ in range(2))
    one(*batch(2, seed=1))
    other(*batch(3, seed=2))
    one.merge(other)
    truth = torch.cat([(batch(n, s)[0] - batch(n, s)[1]).abs() for n, s in ((2, 1), (3, 2))]).double()
    assert one.n_patches_seen == 5
    np.testing.assert_allclose(one.mean, truth.mean(0))


def test_a_loss_that_fails_counts_no_patch() -> None:
    tracker = TorchPatchPerformance(nn.BCELoss())
    prediction, _ = batch()
    with pytest.raises(ValueError, match="target size"):
        tracker(prediction, torch.ones(2, 2))
    assert tracker.n_patches_seen == 0


@pytest.mark.gpu
def test_on_a_gpu_no_step_waits_for_it() -> None:
    tracker = TorchPatchPerformance(nn.CrossEntropyLoss(), "soft_dice_with_logits").to("cuda")
    scores, labels = torch.randn(2, 3, 8, 8, device="cuda"), torch.randint(3, (2, 8, 8), device="cuda")
    tracker(scores, labels)
    torch.cuda.set_sync_debug_mode("error")
    try:
        tracker(scores, labels)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert tracker.mean.device.type == "cuda"
    assert tracker.n_patches_seen == 4
