"""The Padé activation in one pass over memory, compiled on first use: only what runs it imports this file.

Threads may run these side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])
Array = np.ndarray[Any, Any]

# Multiply and add may become one instruction; no other liberty is taken.
_LIBERTY = {"contract"}


def _compiled(function: Function) -> Function:
    """Compile a function; what is compiled is kept on disk where there is a folder that can be written."""
    options: dict[str, Any] = {"nogil": True, "fastmath": _LIBERTY, "error_model": "numpy"}
    try:
        return cast("Function", njit(cache=True, **options)(function))
    except RuntimeError:
        return cast("Function", njit(**options)(function))


@_compiled
def evaluate(x: Array, out: Array, numerator: Array, denominator: Array) -> None:
    """Write P(x) / Q(x) for every x; `out` may be `x`.

    Parameters
    ----------
    x, out : numpy.ndarray
        (n,) float32.
    numerator, denominator : numpy.ndarray
        (6,) and (4,) float32; those of the denominator 0 or more.
    """
    a0, a1, a2, a3, a4, a5 = numerator
    b1, b2, b3, b4 = denominator
    one = np.float32(1)
    for i in range(x.size):
        v = x[i]
        w = abs(v)
        p = ((((a5 * v + a4) * v + a3) * v + a2) * v + a1) * v + a0
        q = (((b4 * w + b3) * w + b2) * w + b1) * w + one
        out[i] = p / q


@_compiled
def shift_and_evaluate(x: Array, shift: Array, numerator: Array, denominator: Array) -> None:
    """Replace each row of x by P(row + shift) / Q(row + shift).

    Parameters
    ----------
    x : numpy.ndarray
        (row, feature) float32, contiguous; written.
    shift : numpy.ndarray
        (feature,) float32.
    numerator, denominator : numpy.ndarray
        As in `evaluate`.
    """
    a0, a1, a2, a3, a4, a5 = numerator
    b1, b2, b3, b4 = denominator
    one = np.float32(1)
    for row in range(x.shape[0]):
        for i in range(x.shape[1]):
            v = x[row, i] + shift[i]
            w = abs(v)
            p = ((((a5 * v + a4) * v + a3) * v + a2) * v + a1) * v + a0
            q = (((b4 * w + b3) * w + b2) * w + b1) * w + one
            x[row, i] = p / q


@_compiled
def slopes(x: Array, gradient: Array, out: Array, coefficients: tuple[Array, Array], sums: Array) -> None:
    """Write the gradient with respect to every x, and sum those with respect to the coefficients.

    Parameters
    ----------
    x, gradient, out : numpy.ndarray
        (n,) float32: input, gradient with respect to the output, gradient with respect to the input.
    coefficients : tuple of numpy.ndarray
        Numerator and denominator, as in `evaluate`.
    sums : numpy.ndarray
        (10,) float64: added to; six for the numerator, four for the denominator (as if positive).
    """
    a0, a1, a2, a3, a4, a5 = coefficients[0]
    b1, b2, b3, b4 = coefficients[1]
    one, two, three, four, five = np.float32(1), np.float32(2), np.float32(3), np.float32(4), np.float32(5)
    width = 1024
    scaled = np.empty(width, np.float32)
    ratio = np.empty(width, np.float32)
    for first in range(0, x.size, width):
        n = min(width, x.size - first)
        for i in range(n):
            v = x[first + i]
            w = abs(v)
            s = np.float32(np.sign(v))
            p = ((((a5 * v + a4) * v + a3) * v + a2) * v + a1) * v + a0
            q = (((b4 * w + b3) * w + b2) * w + b1) * w + one
            dp = (((five * a5 * v + four * a4) * v + three * a3) * v + two * a2) * v + a1
            dq = (((four * b4 * w + three * b3) * w + two * b2) * w + b1) * s
            y = p / q
            g = gradient[first + i] / q
            out[first + i] = g * (dp - y * dq)
            scaled[i] = g
            ratio[i] = -g * y
        for power in range(6):
            total = np.float64(0)
            for i in range(n):
                total += scaled[i]
                scaled[i] *= x[first + i]
            sums[power] += total
        for power in range(4):
            total = np.float64(0)
            for i in range(n):
                ratio[i] *= abs(x[first + i])
                total += ratio[i]
            sums[6 + power] += total
