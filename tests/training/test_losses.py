"""Each loss equals its published formula: numbers by hand, and the same sums in plain NumPy."""

from __future__ import annotations

import builtins
import math

import numpy as np
import pytest
import torch
from monai import losses as peers
from scipy.ndimage import distance_transform_edt

from napari_seamless.errors import MissingDependencyError, SettingsError
from napari_seamless.training.losses import (
    BoundaryLoss,
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    GeneralizedDiceLoss,
    HausdorffLoss,
    make_loss,
)

# Two classes on four voxels with the probabilities of the foreground 0.2, 0.5, 0.8 and 0.9.
FOREGROUND = np.array([0.2, 0.5, 0.8, 0.9])
LOGITS = torch.tensor(np.log(np.stack([1 - FOREGROUND, FOREGROUND]))[np.newaxis], dtype=torch.float32)
LABELS = torch.tensor([[0, 0, 1, 1]])
MAPS = torch.tensor([[[2.0, 1.0, -0.0, -1.0]]])


def random_case(seed: int = 0, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, classes, 5, 6, 4, generator=generator)
    labels = torch.randint(classes, (2, 5, 6, 4), generator=generator)
    return logits, labels, torch.randn(2, classes, 5, 6, 4, generator=generator)


def test_boundary_loss_by_hand() -> None:
    # the mean of 0.2 * 2, 0.5 * 1, 0.8 * 0 and 0.9 * -1
    assert BoundaryLoss()(LOGITS, MAPS).item() == pytest.approx(0.0, abs=1e-7)
    assert BoundaryLoss()(LOGITS, MAPS + 1).item() == pytest.approx((0.2 * 3 + 0.5 * 2 + 0.8) / 4)


def test_boundary_loss_of_several_classes_is_the_mean_over_voxels_and_chosen_classes() -> None:
    logits, _, maps = random_case()
    product = logits.softmax(1).numpy() * maps.numpy()
    for classes in ((1, 2), (2,), (0, 2)):
        expected = product[:, list(classes)].mean()
        assert BoundaryLoss(classes)(logits, maps).item() == pytest.approx(expected, rel=1e-5)
        assert BoundaryLoss(classes)(logits, maps[:, list(classes)]).item() == pytest.approx(expected, rel=1e-5)


def test_dice_by_hand() -> None:
    # overlap 0.8 + 0.9, sizes 2 and 2.4
    assert DiceLoss(smooth=0)(LOGITS, LABELS).item() == pytest.approx(1 - 2 * 1.7 / 4.4)
    assert DiceLoss(smooth=1)(LOGITS, LABELS).item() == pytest.approx(1 - 4.4 / 5.4)


def test_generalised_dice_by_hand() -> None:
    labels = torch.tensor([[0, 0, 0, 1]])
    # weights 1/9 and 1; overlaps 0.8 + 0.5 + 0.2 and 0.9; sizes 3 + 1.6 and 1 + 2.4
    expected = 1 - 2 * (1.5 / 9 + 0.9) / (4.6 / 9 + 3.4)
    assert GeneralizedDiceLoss()(LOGITS, labels).item() == pytest.approx(expected, rel=1e-6)


def test_cross_entropy_and_focal_loss_by_hand() -> None:
    right = np.array([0.8, 0.5, 0.8, 0.9])
    assert CrossEntropyLoss()(LOGITS, LABELS).item() == pytest.approx(-np.log(right).mean(), rel=1e-6)
    expected = -((1 - right) ** 2 * np.log(right)).mean()
    assert FocalLoss(gamma=2)(LOGITS, LABELS).item() == pytest.approx(expected, rel=1e-5)
    assert FocalLoss(gamma=0)(LOGITS, LABELS).item() == pytest.approx(-np.log(right).mean(), rel=1e-6)


def test_hausdorff_loss_by_hand() -> None:
    truth, believed = LABELS[0].numpy() == 1, FOREGROUND > 0.5
    squares = sum((distance_transform_edt(m) + distance_transform_edt(~m)) ** 2 for m in (truth, believed))
    expected = ((truth - FOREGROUND) ** 2 * squares).mean()
    # MONAI wants two spatial axes at least
    logits, labels = LOGITS[..., np.newaxis], LABELS[..., np.newaxis]
    assert HausdorffLoss()(logits, labels).item() == pytest.approx(expected, rel=1e-5)


def test_losses_agree_with_those_of_monai() -> None:
    logits, labels, _ = random_case()
    target = labels.unsqueeze(1)
    common = {"softmax": True, "to_onehot_y": True, "batch": True}
    dice = peers.DiceLoss(include_background=False, smooth_nr=1e-5, smooth_dr=1e-5, **common)
    assert DiceLoss()(logits, labels).item() == pytest.approx(dice(logits, target).item(), rel=1e-5)
    generalised = peers.GeneralizedDiceLoss(smooth_nr=0, smooth_dr=1e-12, **common)
    assert GeneralizedDiceLoss()(logits, labels).item() == pytest.approx(generalised(logits, target).item(), rel=1e-5)


CASES = ["cross_entropy", "focal", "dice", "generalized_dice", "boundary", "cross_entropy+dice+boundary"]


@pytest.mark.parametrize("name", CASES)
def test_unpainted_voxels_count_in_no_loss(name: str) -> None:
    """Painted are the first two planes: the loss is that of those alone, whatever stands in the others."""
    logits, labels, maps = random_case()
    partial = labels.clone()
    partial[:, 2:] = -1
    loss = make_loss(name)
    expected = loss(logits[:, :, :2], labels[:, :2], maps[:, :, :2])
    others = logits.clone()
    others[:, :, 2:] = 7.0
    blind = maps.clone()
    blind[:, :, 2:] = torch.nan
    for given, distances in ((logits, maps), (others, maps), (logits, blind)):
        assert loss(given, partial, distances).item() == pytest.approx(expected.item(), rel=1e-5)
    leaf = logits.clone().requires_grad_()
    loss(leaf, partial, maps).backward()
    assert leaf.grad[:, :, 2:].abs().max() == 0
    assert leaf.grad[:, :, :2].abs().max() > 0


def test_unpainted_voxels_have_no_gradient_in_the_hausdorff_loss() -> None:
    logits, labels, _ = random_case()
    labels[:, 2:] = -1
    leaf = logits.clone().requires_grad_()
    HausdorffLoss()(leaf, labels).backward()
    assert leaf.grad[:, :, 2:].abs().max() == 0
    assert leaf.grad[:, :, :2].abs().max() > 0


@pytest.mark.parametrize("name", [*CASES, "hausdorff"])
def test_a_patch_without_any_painted_voxel_gives_a_finite_loss(name: str) -> None:
    logits, labels, maps = random_case()
    leaf = logits.requires_grad_()
    loss = make_loss(name)(leaf, torch.full_like(labels, -1), maps)
    loss.backward()
    assert math.isfinite(loss.item())
    assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("name", CASES)
def test_one_channel_is_the_logit_of_the_foreground(name: str) -> None:
    logits, labels, maps = random_case(classes=2)
    single = logits[:, 1:] - logits[:, :1]
    loss = make_loss(name)
    expected = loss(logits, labels, maps).item()
    assert loss(single, labels, maps).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    logits, labels, maps = random_case()
    labels[0, 0] = -1
    loss = make_loss(name)
    leaf = logits.clone().requires_grad_()
    loss(leaf, labels, maps).backward()
    direction = torch.randn(logits.shape, generator=torch.Generator().manual_seed(1))
    step = 1e-2
    ahead, behind = (loss(logits + sign * step * direction, labels, maps).item() for sign in (1, -1))
    assert (leaf.grad * direction).sum().item() == pytest.approx((ahead - behind) / (2 * step), rel=2e-2, abs=1e-5)


def test_a_loss_of_several_names_is_their_weighted_sum() -> None:
    logits, labels, maps = random_case()
    loss = make_loss("cross-entropy + dice + boundary")
    loss.region_weight, loss.boundary_weight = 0.75, 0.25
    region = CrossEntropyLoss()(logits, labels) + DiceLoss()(logits, labels)
    expected = 0.75 * region + 0.25 * BoundaryLoss()(logits, maps, labels)
    assert loss(logits, labels, maps).item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("name", ["", "dise", "dice+dice", "dice+"])
def test_unknown_and_repeated_names_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="loss must be one or more of cross_entropy, focal"):
        make_loss(name)


def test_what_does_not_fit_is_refused() -> None:
    logits, labels, maps = random_case()
    with pytest.raises(SettingsError, match=r"labels must be integers \(batch, \*spatial\)"):
        DiceLoss()(logits, labels.float())
    with pytest.raises(SettingsError, match=r"of the shape \(2, 5, 6, 4\)"):
        CrossEntropyLoss()(logits, labels[:, :2])
    with pytest.raises(SettingsError, match="distance_maps must have the batch and space"):
        BoundaryLoss((1,))(logits, maps[:, :2])
    with pytest.raises(SettingsError, match="needs distance_maps, got none"):
        make_loss("boundary")(logits, labels)
    for classes in ((), (2, 1), (3,), (1, 1)):
        with pytest.raises(SettingsError, match="classes must be rising labels from 0 to 2"):
            DiceLoss(classes)(logits, labels)


def test_the_hausdorff_loss_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_monai(name: str, *rest: object) -> object:
        if name.startswith("monai"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_monai)
    with pytest.raises(MissingDependencyError, match="needs MONAI"):
        make_loss("hausdorff")
