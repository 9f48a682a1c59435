"""Blending weights inside a patch."""

from __future__ import annotations

from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import GeometryError

if TYPE_CHECKING:
    from napari_seamless.types import Window


def axis_weights(window: Window, size: int, axis: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the window's one-dimensional factor for a patch of this size.

    The hann and triangle windows are sampled at the centres of the voxels, half a voxel off the usual form with zeros
    at its ends: every voxel of a patch has a weight, and at an overlap of one half the weights still sum to a constant.

    Parameters
    ----------
    window : Window
        Kind and parameters; the floor of the gaussian is not applied here.
    size : int
        Patch size in voxels.
    axis : int
        Which factor of a window of given factors; the factors of all other windows are the same along every axis.

    Returns
    -------
    numpy.ndarray
        (size,) float64 in (0, 1], symmetric; as they are for given factors.

    Raises
    ------
    GeometryError
        The window is made of given weights, or of factors for another size.

    Examples
    --------
    >>> from napari_seamless.types import Window
    >>> axis_weights(Window(kind="constant"), 3)
    array([1., 1., 1.])
    """
    if window.kind == "array":
        raise GeometryError("A window of given weights has no factor per axis; use window_array.")
    if window.kind == "factors":
        if window.size[axis] != size:
            raise GeometryError(f"The window has weights for patches of {window.size}, got {size} along axis {axis}.")
        return window.factors[axis]
    if window.kind == "constant":
        return np.ones(size)
    if window.kind == "hann":
        hann: np.ndarray[Any, np.dtype[np.float64]] = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
        return hann
    distance = np.arange(size) - (size - 1) / 2
    if window.kind == "triangle":
        triangle: np.ndarray[Any, np.dtype[np.float64]] = 1 - np.abs(2 * distance) / size
        return triangle
    weights: np.ndarray[Any, np.dtype[np.float64]] = np.exp(-0.5 * (distance / (window.sigma * size)) ** 2)
    return weights


def is_separable(window: Window) -> bool:
    """Tell whether the N-d weight is exactly the product of the one-dimensional ones."""
    return window.kind in {"constant", "hann", "triangle", "factors"}


@lru_cache(maxsize=8)  # a whole patch each; adaptive grids have up to 2^axes shapes
def window_array(window: Window, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the weight of every voxel of a patch.

    The gaussian has its centre in the middle of the patch, sigma = `window.sigma` times the patch size per axis, and a
    smallest value of `window.floor`: the same weights that MONAI's sliding window uses.

    Parameters
    ----------
    window : Window
        Kind and parameters.
    shape : tuple of int
        Patch size per axis; smaller patches at the border get a window of their own size.

    Returns
    -------
    numpy.ndarray
        `shape`, float32, > 0, read-only.

    Raises
    ------
    GeometryError
        The window is made of weights for another shape.

    Examples
    --------
    >>> from napari_seamless.types import Window
    >>> window_array(Window(kind="gaussian"), (8, 8)).shape
    (8, 8)
    """
    weights: np.ndarray[Any, np.dtype[np.float64]]
    if window.is_given and shape != window.size:
        raise GeometryError(f"The window has weights for patches of {window.size}, got a patch of {shape}.")
    if window.kind == "array":
        weights = np.frombuffer(window.values).reshape(shape)
    else:
        weights = reduce(np.multiply.outer, [axis_weights(window, size, axis) for axis, size in enumerate(shape)])
    if window.kind == "gaussian":
        weights = np.maximum(weights, window.floor)
    result = np.ascontiguousarray(weights, dtype=np.float32)
    result.flags.writeable = False
    return result
