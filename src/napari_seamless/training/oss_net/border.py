"""Where the border region of labels is: near enough to where a class ends that coordinates there teach the most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.errors import SettingsError
from napari_seamless.models.oss_net.dense import dilate
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Callable

REACH = 6
"""Voxels that the border region reaches beyond the gradient, along each axis: a cube of edge 13."""

HALO = REACH + 1
"""Voxels around a box that decide its border region."""

Array = np.ndarray[Any, Any]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


def border_map(labels: Any, classes: int = 1, reach: int = REACH) -> BoolArray:
    """Return which voxels lie in the border region of labels.

    That is where the Sobel gradient of the mask of a class is not zero, dilated by a cube of edge ``2 reach + 1``. The
    end of the array is no border.

    Parameters
    ----------
    labels : array-like
        Integers or bool with any number of axes; 0 and below is outside.
    classes : int
        1: everything above 0 is one class. More: 0 is the background and each of the other labels a class.
    reach : int
        Voxels of the dilation, 0 or more.

    Returns
    -------
    numpy.ndarray
        Bool, of the shape of the labels.

    Raises
    ------
    SettingsError
        `reach` or `classes` is out of its range.

    Examples
    --------
    >>> border_map([0, 0, 0, 0, 1, 1, 1, 1], reach=1).astype(int)
    array([0, 0, 1, 1, 1, 1, 0, 0])
    """
    if reach < 0 or classes < 1:
        raise SettingsError(f"reach must be 0 or more and classes 1 or more, got {reach} and {classes}.")
    values = np.asarray(labels)
    masks = [values > 0] if classes == 1 else [values == label for label in range(1, classes)]
    edges = np.zeros(values.shape, dtype=bool)
    for mask in masks:
        if mask.any() and not mask.all():
            edges |= _has_gradient(mask)
    return dilate(torch.from_numpy(edges), reach).numpy()


def border_in_box(read: Callable[[Box], Array], shape: tuple[int, ...], box: Box, classes: int = 1) -> BoolArray:
    """Return the border region in a box of larger labels, of which a halo of 7 voxels is read.

    Parameters
    ----------
    read : callable
        Box to labels.
    shape : tuple of int
        Voxels of the labels per axis.
    box : Box
        Inside the shape.
    classes : int
        As in `border_map`.

    Examples
    --------
    >>> labels = np.arange(40) // 20
    >>> border_in_box(lambda box: labels[box.slices], (40,), Box((24,), (28,))).tolist()
    [True, True, True, False]
    """
    around = Box(
        tuple(max(0, a - HALO) for a in box.start),
        tuple(min(n, b + HALO) for n, b in zip(shape, box.stop, strict=True)),
    )
    return border_map(read(around), classes)[box.within(around.start).slices]


def _has_gradient(mask: BoolArray) -> BoolArray:
    """Return where any component of the Sobel gradient of a mask is not zero; sums stay below 2 * 4^(axes - 1)."""
    padded = np.pad(mask, 1, mode="edge").astype(np.int16)
    found = np.zeros(mask.shape, dtype=bool)
    for along in range(mask.ndim):
        component = padded
        for axis in range(mask.ndim):
            component = _filtered(component, axis, derived=axis == along)
        found |= component != 0
    return found


def _filtered(values: Array, axis: int, *, derived: bool) -> Array:
    """Convolve with (-1, 0, 1) or (1, 2, 1) along one axis, which loses a voxel at both ends."""
    moved = np.moveaxis(values, axis, 0)
    sums = moved[2:] - moved[:-2] if derived else moved[2:] + 2 * moved[1:-1] + moved[:-2]
    return np.moveaxis(sums, 0, axis)
