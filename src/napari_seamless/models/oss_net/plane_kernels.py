"""The sum of shared planes in one pass, compiled on first use: only what runs it imports this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])
Array = np.ndarray[Any, Any]


def _compiled(function: Function) -> Function:
    """Compile a function; what is compiled is kept on disk where there is a folder that can be written."""
    try:
        return cast("Function", njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast("Function", njit(nogil=True)(function))


@_compiled
def sum_planes(products: Array, where: Array, out: Array, add: bool) -> None:
    """Add what the seven planes of each patch bring to its seven output planes.

    Parameters
    ----------
    products : numpy.ndarray
        (plane, 7 * width) float32: what a plane adds to the outputs 3 before it to 3 after it.
    where : numpy.ndarray
        (n, 7) int64: the planes of each patch.
    out : numpy.ndarray
        (n, 7 * width) float32; written.
    add : bool
        Whether to add to what is there.
    """
    width = out.shape[1] // 7
    for i in range(out.shape[0]):
        if not add:
            out[i] = 0
        for plane in range(7):
            low, high = max(0, plane - 3), min(7, plane + 4)
            shift = (3 - plane) * width
            row = where[i, plane]
            for j in range(low * width, high * width):
                out[i, j] += products[row, j + shift]
