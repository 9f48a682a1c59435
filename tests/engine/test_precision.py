"""When 16 bits will do: the types that are tried, and what counts as agreement."""

from __future__ import annotations

import pytest
import torch

from napari_seamless.engine.precision import TOLERANCE, disagreement, is_finite, reduced_type

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("setting", "dtype"),
    [("auto", None), ("float32", None), ("bfloat16", torch.bfloat16), ("float16", torch.float16)],
)
def test_the_cpu_computes_in_float32_unless_asked_otherwise(setting: str, dtype: torch.dtype | None) -> None:
    assert reduced_type(setting, CPU) is dtype  # type: ignore[arg-type]


@pytest.mark.gpu
def test_a_gpu_is_tried_in_16_bits() -> None:
    assert reduced_type("auto", torch.device("cuda")) in {torch.bfloat16, torch.float16}
    assert reduced_type("float32", torch.device("cuda")) is None


def two_classes(first: float) -> torch.Tensor:
    return torch.tensor([first, 1 - first]).reshape(1, 2, 1)


@pytest.mark.parametrize(
    ("reduced", "reference", "says"),
    [
        (two_classes(0.8), two_classes(0.8), None),
        (two_classes(0.8 + 0.9 * TOLERANCE), two_classes(0.8), None),
        (two_classes(0.8 + 1.1 * TOLERANCE), two_classes(0.8), "differs by up to 0.022 where 0.02 is allowed"),
        # a near tie may fall either way
        (two_classes(0.497), two_classes(0.503), None),
        # 0.512 against 0.488 is no tie
        (two_classes(0.498), two_classes(0.512), "puts 1 voxels into another class"),
        (two_classes(float("nan")), two_classes(0.5), "gives NaN or infinity"),
        (two_classes(float("inf")), two_classes(0.5), "gives NaN or infinity"),
    ],
)
def test_probabilities_agree_within_the_tolerance(
    reduced: torch.Tensor, reference: torch.Tensor, says: str | None
) -> None:
    reason = disagreement(reduced, reference, probabilities=True)
    assert reason is None if says is None else reason == says


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize(("part", "agrees"), [(0.9, True), (1.1, False)])
def test_other_outputs_are_compared_with_their_largest_value(scale: float, part: float, agrees: bool) -> None:
    reference = scale * torch.tensor([[[-1.0, 0.25, 0.5]]])
    reduced = reference + torch.tensor([0.0, part * TOLERANCE * scale, 0.0])
    assert (disagreement(reduced, reference, probabilities=False) is None) is agrees


def test_finite_values_whose_sum_is_infinite_are_finite() -> None:
    assert is_finite(torch.full((1, 1, 8), 3e38))
    for bad in (float("nan"), float("inf"), -float("inf")):
        output = torch.zeros(1, 1, 8)
        output[0, 0, 5] = bad
        assert not is_finite(output)
    assert not is_finite(torch.tensor([float("inf"), -float("inf")]))
