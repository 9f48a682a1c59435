"""The fused Padé unit has the values and the gradients, first and second, of its equation."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from napari_seamless.models.oss_net.pade import PadeActivation, pade, pade_by_powers, shift_and_activate_

UNIT = PadeActivation()
ABOVE, BELOW = UNIT.weight_numerator.detach(), UNIT.weight_denominator.detach()
SIGNED = BELOW * torch.tensor([1.0, -1.0, 1.0, -1.0])
VALUES = torch.cat([torch.linspace(-6, 6, 2001), torch.randn(2500, generator=torch.Generator().manual_seed(1))])


def test_a_new_unit_is_nearly_a_leaky_rectifier() -> None:
    near = torch.linspace(-3, 3, 100)
    torch.testing.assert_close(UNIT(near).detach(), F.leaky_relu(near, 0.01), atol=0.05, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_are_those_of_the_equation(dtype: torch.dtype) -> None:
    x = VALUES.to(dtype)
    above, below = ABOVE.to(dtype), SIGNED.to(dtype)
    exact = pade_by_powers(x.double(), above.double(), below.double())
    close = {"atol": 2e-6, "rtol": 2e-6} if dtype == torch.float32 else {"atol": 1e-13, "rtol": 1e-13}
    torch.testing.assert_close(pade(x, above, below).double(), exact, **close)
    x = x[:4500]
    strided = x.reshape(3, -1).t()
    torch.testing.assert_close(pade(strided, above, below).t().reshape(-1), pade(x, above, below))


def test_sixteen_bits_are_evaluated_in_thirty_two() -> None:
    x = VALUES.bfloat16()
    assert torch.equal(pade(x, ABOVE, BELOW), pade(x.float(), ABOVE, BELOW).bfloat16())


def test_shift_and_activation_in_place() -> None:
    x, shift = VALUES[:4500].reshape(50, 90), VALUES[1000:1090]
    expected = pade(x + shift, ABOVE, SIGNED)
    for dtype in (torch.float32, torch.float64):
        given = x.to(dtype, copy=True)
        result = shift_and_activate_(given, shift.to(dtype), ABOVE.to(dtype), SIGNED.to(dtype))
        assert result.data_ptr() == given.data_ptr()
        torch.testing.assert_close(given.float(), expected, atol=2e-6, rtol=2e-6)


def doubles(count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x = torch.linspace(-2.9, 3.1, count, dtype=torch.float64)
    return tuple(t.double().clone().requires_grad_() for t in (x, ABOVE + 0.1, SIGNED + 0.2))  # type: ignore[return-value]


def test_first_and_second_gradients_are_those_of_finite_differences() -> None:
    inputs = doubles(7)
    assert torch.autograd.gradcheck(pade, inputs)
    assert torch.autograd.gradgradcheck(pade, inputs)


def test_the_gradient_in_one_pass_equals_that_of_the_equation() -> None:
    inputs = [t.detach().clone().requires_grad_() for t in (VALUES, ABOVE, SIGNED)]
    weights = torch.sin(torch.arange(len(VALUES)) * 0.7)
    exact_inputs = [t.detach().double().requires_grad_() for t in inputs]
    got = torch.autograd.grad((pade(*inputs) * weights).sum(), inputs)
    exact = torch.autograd.grad((pade_by_powers(*exact_inputs) * weights.double()).sum(), exact_inputs)
    for mine, true in zip(got, exact, strict=True):
        torch.testing.assert_close(mine.double(), true, atol=1e-4, rtol=1e-5)


def test_nothing_but_the_input_is_kept_for_the_gradient() -> None:
    kept: list[int] = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.numel())
        return tensor

    x = VALUES.clone().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        pade(x, UNIT.weight_numerator, UNIT.weight_denominator)
    assert sorted(kept) == [4, 6, len(VALUES)]
