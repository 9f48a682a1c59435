"""Read a part of an image of any kind, with padding where it reaches beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import GeometryError, SettingsError
from napari_seamless.patches.padding import read_padded
from napari_seamless.sampling.arrays import is_tensor, to_numpy
from napari_seamless.types import AxisGrid, Box, Padding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_VALUES = {"constant": "constant_values", "linear_ramp": "end_values"}


def padding_from(pad_kwargs: Mapping[str, Any] | None, grids: Sequence[AxisGrid]) -> Padding:
    """Turn keywords of `numpy.pad` into a padding.

    Parameters
    ----------
    pad_kwargs : mapping or None
        ``mode``, ``constant_values``, ``end_values``, ``stat_length`` and ``reflect_type``, the same for every axis and
        both its ends; None pads with 0.
    grids : sequence of AxisGrid
        Where the patches lie.

    Raises
    ------
    GeometryError
        A keyword is unknown, or what it says cannot be done patch by patch.
    """
    given = {"mode": "constant", **(pad_kwargs or {})}
    mode = given.pop("mode")
    value = given.pop(_VALUES.get(mode, ""), 0)
    length = given.pop("stat_length", None)
    reflect_type = given.pop("reflect_type", "even")
    if given:
        raise GeometryError(
            f"pad_kwargs take mode, stat_length, reflect_type, and constant_values or end_values with the mode they "
            f"belong to, got {', '.join(given)} with the mode {mode!r}."
        )
    if np.ndim(value) or np.ndim(length) > 1 or (np.ndim(length) == 1 and len(length) != len(grids)):
        raise GeometryError(
            f"pad_kwargs must say the same for both ends of an axis, got {value!r} and stat_length {length!r}; "
            "give one number."
        )
    try:
        return Padding(
            mode=mode,
            value=value,
            stat_length=tuple(map(int, length)) if np.ndim(length) else length,
            reflect_type=reflect_type,
            width=tuple(grid.pad_width for grid in grids),
        )
    except SettingsError as error:
        raise GeometryError(f"pad_kwargs: {error}") from error


def read_part(image: Any, box: Box, padding: Padding | None, *, spatial_first: bool) -> Any:
    """Return the part of an image that a box names, with its axes in the image's order.

    Parameters
    ----------
    image : array
        NumPy, torch, zarr, dask or anything else with a shape that slices.
    box : Box
        A part of the spatial axes; reaches beyond the image only where there is a padding.
    padding : Padding or None
        What lies there.
    spatial_first : bool
        Whether the spatial axes are the first ones of the image, or the last ones.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        A tensor of a tensor, NumPy of everything else; a view where the image lies in memory and nothing is padded.
    """
    n = len(box.start)
    size = image.shape[:n] if spatial_first else image.shape[-n:]
    if padding is None or box.intersect(Box((0,) * n, tuple(size))) == box:
        return _slice(image, box, spatial_first=spatial_first)

    def spatial_last(part: Box) -> np.ndarray[Any, Any]:
        values = to_numpy(_slice(image, part, spatial_first=spatial_first))
        return np.moveaxis(values, range(n), range(-n, 0)) if spatial_first else values

    padded = read_padded(spatial_last, tuple(int(length) for length in size), box, padding)
    if spatial_first:
        padded = np.ascontiguousarray(np.moveaxis(padded, range(-n, 0), range(n)))
    return image.new_tensor(padded) if is_tensor(image) else padded


def _slice(image: Any, box: Box, *, spatial_first: bool) -> Any:
    others = (slice(None),) * (len(image.shape) - len(box.start))
    part = image[(*box.slices, *others) if spatial_first else (*others, *box.slices)]
    return part if is_tensor(part) else np.asarray(part)
