"""The measures against torch's own losses without reduction, and against loops over voxels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from napari_seamless.errors import SettingsError
from napari_seamless.quality import PatchPerformance

PATCHES = [(7,), (5, 6), (3, 4, 5), (2, 3, 2, 3)]
N, CLASSES = 4, 3


def scores_and_labels(patch: tuple[int, ...], classes: int = CLASSES) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(len(patch))
    scores = 2 * torch.randn(N, classes, *patch, generator=generator)
    return scores, torch.randint(max(classes, 2), (N, *patch), generator=generator)


def measured(measure: object, prediction: torch.Tensor, target: torch.Tensor) -> np.ndarray:
    performance = PatchPerformance(measure)
    performance.observe(prediction, target)
    return performance.calculate_performance().numpy()


@pytest.mark.parametrize("patch", PATCHES)
def test_elementwise_measures_keep_the_shape_of_a_patch_with_its_channels(patch: tuple[int, ...]) -> None:
    scores, _ = scores_and_labels(patch)
    target = torch.rand(scores.shape)
    p = scores.sigmoid()
    truths = {
        "binary_cross_entropy": (p, F.binary_cross_entropy(p, target, reduction="none")),
        "binary_cross_entropy_with_logits": (
            scores,
            F.binary_cross_entropy_with_logits(scores, target, reduction="none"),
        ),
        "l2": (p, torch.sqrt((target - p) ** 2)),
        "l2_with_logits": (scores, torch.sqrt((target - p) ** 2)),
    }
    for measure, (prediction, truth) in truths.items():
        found = measured(measure, prediction, target)
        assert found.shape == (CLASSES, *patch)
        np.testing.assert_allclose(found, truth.double().mean(0), rtol=1e-5, err_msg=measure)


@pytest.mark.parametrize("patch", PATCHES)
def test_cross_entropy_equals_that_of_torch(patch: tuple[int, ...]) -> None:
    scores, labels = scores_and_labels(patch)
    truth = F.cross_entropy(scores, labels, reduction="none").mean(0)
    np.testing.assert_allclose(measured("cross_entropy", scores, labels), truth, rtol=1e-5)
    np.testing.assert_allclose(measured("log_loss", scores.softmax(1), labels), truth, rtol=1e-5)


def test_cross_entropy_takes_probabilities_as_a_target() -> None:
    scores, _ = scores_and_labels((4, 5))
    target = torch.rand(scores.shape).softmax(1)
    truth = F.cross_entropy(scores, target, reduction="none").mean(0)
    np.testing.assert_allclose(measured("cross_entropy", scores, target), truth, rtol=1e-5)


@pytest.mark.parametrize("patch", PATCHES)
def test_soft_dice_is_that_of_the_voxels_at_one_coordinate(patch: tuple[int, ...]) -> None:
    scores, labels = scores_and_labels(patch)
    p = scores.softmax(1).double().numpy()
    found = measured("soft_dice_with_logits", scores, labels)
    assert found.shape == patch
    for at in np.ndindex(patch):
        both = above = 0.0
        for i in range(N):
            for c in range(1, CLASSES):
                t = float(labels[(i, *at)] == c)
                above += 2 * p[(i, c, *at)] * t
                both += p[(i, c, *at)] + t
        assert found[at] == pytest.approx(1 - above / both, rel=1e-5)


@pytest.mark.parametrize("patch", PATCHES)
def test_error_rate_and_boundary_error_count_voxels(patch: tuple[int, ...]) -> None:
    scores, labels = scores_and_labels(patch)
    found, truth = scores.argmax(1).numpy(), labels.numpy()
    np.testing.assert_array_equal(measured("error_rate", scores.softmax(1), labels), (found != truth).mean(0))
    edges = measured("boundary_error", scores.softmax(1), labels)
    for at in np.ndindex(patch):
        wrong = [found[i][at] != truth[i][at] for i in range(N) if on_boundary(truth[i], at)]
        assert edges[at] == pytest.approx(np.mean(wrong)) if wrong else math.isnan(edges[at])


def on_boundary(labels: np.ndarray, at: tuple[int, ...]) -> bool:
    """Look at every face neighbour inside the patch."""
    for axis in range(labels.ndim):
        for step in (-1, 1):
            other = tuple(a + step * (axis == i) for i, a in enumerate(at))
            inside = all(0 <= a < n for a, n in zip(other, labels.shape, strict=True))
            if inside and labels[other] != labels[at]:
                return True
    return False


@pytest.mark.parametrize("measure", ["error_rate", "boundary_error", "soft_dice"])
def test_one_channel_stands_for_background_and_one_class(measure: str) -> None:
    scores, labels = scores_and_labels((5, 6), classes=1)
    p = scores.sigmoid()
    two = torch.cat([1 - p, p], dim=1)
    np.testing.assert_allclose(measured(measure, p, labels), measured(measure, two, labels), rtol=1e-6)
    np.testing.assert_allclose(measured(f"{measure}_with_logits", scores, labels), measured(measure, p, labels))


@pytest.mark.parametrize("measure", ["l2", "soft_dice", "error_rate", "boundary_error", "log_loss"])
def test_labels_with_a_channel_and_one_hot_say_the_same_as_labels(measure: str) -> None:
    scores, labels = scores_and_labels((4, 5))
    p = scores.softmax(1)
    truth = measured(measure, p, labels)
    one_hot = F.one_hot(labels, CLASSES).movedim(-1, 1)
    for target in (labels.unsqueeze(1), labels.float(), one_hot, one_hot.bool()):
        np.testing.assert_allclose(measured(measure, p, target), truth, rtol=1e-7)


@pytest.mark.parametrize("measure", ["l2", "soft_dice", "error_rate", "boundary_error", "log_loss"])
def test_labels_that_are_no_class_are_left_out(measure: str) -> None:
    scores, labels = scores_and_labels((4, 5))
    p = scores.softmax(1)
    p[0], labels[0] = 0, -100
    p[1], labels[1] = 1, 255
    performance = PatchPerformance(measure)
    performance.observe(p, labels)
    assert performance.count.unique().tolist() == [2]
    np.testing.assert_allclose(performance.mean, measured(measure, p[2:], labels[2:]))


def test_a_voxel_without_a_class_makes_no_boundary() -> None:
    labels = torch.tensor([[-100, 1, 1, 2, 2, -100]])
    performance = PatchPerformance("boundary_error")
    performance.observe(torch.zeros(1, 3, 6), labels)
    assert performance.mean.isfinite().tolist() == [False, False, True, True, False, False]


def test_a_function_measures_too() -> None:
    def squared(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (prediction - target).square().sum(dim=1)

    prediction, target = torch.rand(2, N, 3, 4, 5)
    np.testing.assert_allclose(measured(squared, prediction, target), squared(prediction, target).double().mean(0))


def test_a_function_that_reduces_the_batch_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"one value for each patch and coordinate, \(4, \*map\), got the shape \(\)"
    ):
        measured(F.mse_loss, torch.rand(N, 1, 5), torch.rand(N, 1, 5))


@pytest.mark.parametrize(
    ("measure", "prediction", "target"),
    [
        ("error_rate", (2, 3, 8, 8), (2, 8, 7)),
        ("error_rate", (2, 3, 8, 8), (3, 8, 8)),
        ("soft_dice", (2, 3, 8, 8), (2, 2, 8, 8)),
        ("l2", (2, 3, 8, 8), (8, 8)),
        ("cross_entropy", (2, 3), (2,)),
        ("log_loss", (2, 1, 8, 8), (2, 8, 8)),
    ],
)
def test_shapes_that_do_not_fit_are_named_in_one_sentence(
    measure: str, prediction: tuple[int, ...], target: tuple[int, ...]
) -> None:
    with pytest.raises(SettingsError, match=r"\(batch, class, \*patch\)") as caught:
        measured(measure, torch.zeros(prediction), torch.zeros(target))
    assert str(prediction) in str(caught.value)


def test_certain_mistakes_have_a_finite_error_as_in_torch() -> None:
    p, t = torch.tensor([[[0.0, 1.0, 0.0]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
    truth = F.binary_cross_entropy(p, t, reduction="none")[0]
    np.testing.assert_array_equal(measured("binary_cross_entropy", p, t), truth)


def test_raw_scores_given_to_a_measure_of_probabilities_are_pointed_out() -> None:
    performance = PatchPerformance("binary_cross_entropy")
    performance.observe(torch.tensor([[[0.5, 3.0]]]), torch.ones(1, 1, 2))
    with pytest.warns(UserWarning, match="_with_logits"):
        assert performance.calculate_performance()[0].isnan().tolist() == [False, True]
