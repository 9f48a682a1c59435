"""The Padé activation unit: a learnt quotient of two polynomials.

A. Molina, P. Schramowski, K. Kersting, *Padé activation units: end-to-end learning of flexible activation functions in
deep networks* (ICLR 2020), equation 4, the form without poles:
``y = (a_0 + a_1 x + ... + a_5 x^5) / (1 + |b_1| |x| + ... + |b_4| |x|^4)``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

NUMERATOR = (3.35583603e-02, 5.05000375e-01, 1.65343934, 2.01001052, 9.31901999e-01, 1.52424124e-01)
DENOMINATOR = (3.30847488e-06, 3.98021568, 5.12471206e-07, 3.01830109e-01)
"""Coefficients of a leaky rectifier, with which every unit begins."""

_SHORT = (torch.float16, torch.bfloat16)


class PadeActivation(nn.Module):
    """One learnt activation for all features; ten parameters.

    Examples
    --------
    >>> PadeActivation()(torch.tensor([-1.0, 0.0, 2.0])).shape
    torch.Size([3])
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight_numerator = nn.Parameter(torch.tensor(NUMERATOR))
        self.weight_denominator = nn.Parameter(torch.tensor(DENOMINATOR))

    def forward(self, x: Tensor) -> Tensor:
        """Return the activation of every value of x, of the same shape and dtype."""
        return pade(x, self.weight_numerator, self.weight_denominator)


def pade(x: Tensor, numerator: Tensor, denominator: Tensor) -> Tensor:
    """Evaluate a Padé unit; differentiable twice and more with respect to everything.

    Parameters
    ----------
    x : torch.Tensor
        Any shape; 16-bit values are evaluated in float32.
    numerator, denominator : torch.Tensor
        (6,) and (4,): a_0..a_5 and b_1..b_4.

    Returns
    -------
    torch.Tensor
        Shape and dtype of x.

    Examples
    --------
    >>> pade(torch.zeros(2), torch.tensor([1.0, 0, 0, 0, 0, 0]), torch.zeros(4))
    tensor([1., 1.])
    """
    if x.dtype in _SHORT:
        return pade(x.float(), numerator.float(), denominator.float()).to(x.dtype)
    wanted = torch.is_grad_enabled() and any(t.requires_grad for t in (x, numerator, denominator))
    if wanted:
        result: Tensor = _Pade.apply(x, numerator, denominator)  # type: ignore[no-untyped-call]
        return result
    return _evaluate(x, numerator, denominator.abs())


def pade_by_powers(x: Tensor, numerator: Tensor, denominator: Tensor) -> Tensor:
    """Evaluate a Padé unit as the equation is written, power by power; the slow truth for tests and benchmarks."""
    above = sum((a * x**i for i, a in enumerate(numerator)), torch.zeros_like(x))
    below = sum((b.abs() * x.abs() ** (j + 1) for j, b in enumerate(denominator)), torch.ones_like(x))
    return above / below


def shift_and_activate_(x: Tensor, shift: Tensor, numerator: Tensor, denominator: Tensor) -> Tensor:
    """Replace rows of x by the activation of row + shift, in place and without gradients.

    Parameters
    ----------
    x : torch.Tensor
        (row, feature), contiguous.
    shift : torch.Tensor
        (feature,).
    numerator, denominator : torch.Tensor
        As in `pade`.
    """
    if not _has_kernel(x):
        return x.copy_(_horner(x.add_(shift), numerator, denominator.abs()))
    from napari_seamless.models.oss_net.pade_kernels import shift_and_evaluate

    shift_and_evaluate(_array(x), _array(shift), _array(numerator), _array(denominator.abs()))
    return x


class _Pade(torch.autograd.Function):
    """Keeps nothing but the input: quotient and slopes are made again when gradients are asked for."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, numerator: Tensor, denominator: Tensor) -> Tensor:
        ctx.save_for_backward(x, numerator, denominator)
        return _evaluate(x, numerator, denominator.abs())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, numerator, denominator = ctx.saved_tensors
        if not torch.is_grad_enabled() and _has_kernel(x):
            return _gradients_in_one_pass(x, gradients[0], numerator, denominator)
        return _gradients(x, gradients[0], numerator, denominator)


def _gradients(x: Tensor, gradient: Tensor, numerator: Tensor, denominator: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients in operations that are themselves differentiable."""
    size, below = x.abs(), denominator.abs()
    q = _polynomial(size, [torch.ones_like(below[0]), *below.unbind()])
    y = _polynomial(x, list(numerator.unbind())) / q
    slope_p = _polynomial(x, [i * a for i, a in enumerate(numerator.unbind())][1:])
    slope_q = _polynomial(size, [(j + 1) * b for j, b in enumerate(below.unbind())]) * x.sign()
    scaled = gradient / q
    to_numerator = _moments(scaled, x, 6)
    to_denominator = _moments(-scaled * y * size, size, 4) * denominator.sign()
    return scaled * (slope_p - y * slope_q), to_numerator, to_denominator


def _moments(values: Tensor, x: Tensor, count: int) -> Tensor:
    """Return the sums of values * x^i for i below `count`."""
    sums = []
    for _ in range(count):
        sums.append(values.sum())
        values = values * x
    return torch.stack(sums)


def _gradients_in_one_pass(x: Tensor, gradient: Tensor, above: Tensor, below: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    from napari_seamless.models.oss_net.pade_kernels import slopes

    x = x.contiguous()
    out = torch.empty_like(x)
    sums = torch.zeros(10, dtype=torch.float64)
    coefficients = (_array(above), _array(below.abs()))
    slopes(_flat(x), _flat(gradient.contiguous()), _flat(out), coefficients, sums.numpy())
    sums = sums.to(above.dtype)
    return out, sums[:6], sums[6:] * below.detach().sign()


def _evaluate(x: Tensor, numerator: Tensor, below: Tensor) -> Tensor:
    if not _has_kernel(x):
        return _horner(x, numerator, below)
    from napari_seamless.models.oss_net.pade_kernels import evaluate

    x = x.detach().contiguous()
    out = torch.empty_like(x)
    evaluate(_flat(x), _flat(out), _array(numerator), _array(below))
    return out


def _horner(x: Tensor, numerator: Tensor, below: Tensor) -> Tensor:
    """Evaluate by Horner's rule, in place, with two temporaries."""
    a, b = numerator.detach().unbind(), below.detach().unbind()
    x = x.detach()
    p = torch.addcmul(a[4], a[5], x)
    for i in (3, 2, 1, 0):
        torch.addcmul(a[i], p, x, out=p)
    size = x.abs()
    q = torch.addcmul(b[2], b[3], size)
    for coefficient in (b[1], b[0], torch.ones_like(b[0])):
        torch.addcmul(coefficient, q, size, out=q)
    return p.div_(q)


def _polynomial(x: Tensor, coefficients: list[Tensor]) -> Tensor:
    total = coefficients[-1] * x + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        total = torch.addcmul(coefficient, total, x)
    return total


def _has_kernel(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32 and not torch.compiler.is_compiling()


def _array(values: Tensor) -> Any:
    return values.detach().contiguous().numpy()


def _flat(values: Tensor) -> Any:
    return values.detach().reshape(-1).numpy()
