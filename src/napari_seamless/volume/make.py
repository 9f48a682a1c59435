"""The volume that what was found and what the caller overrides make together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import AxesError, VolumeError
from napari_seamless.types import NON_SPATIAL_AXES, ArrayLike, Level, Volume
from napari_seamless.volume.axes import choose_axes
from napari_seamless.volume.found import Found, Overrides, align_levels
from napari_seamless.volume.units import unit_name

if TYPE_CHECKING:
    from collections.abc import Sequence


def make_volume(found: Found, overrides: Overrides) -> Volume:
    """Check what was found, apply the overrides, and return the volume.

    Raises
    ------
    AxesError
        The axes are unknown or do not fit the array.
    VolumeError
        An axis is empty, the elements are no numbers, or spacing, translation or units do not fit the axes.
    """
    name = overrides.name or found.name
    shapes = [_shape(array, name) for array in found.arrays]
    if found.unclear_axes and overrides.axes is None:
        raise AxesError(
            f"{name} stores its axes as {found.unclear_axes}, which does not say what is space; "
            f'name all {len(shapes[0])} of them, such as axes="czyx".'
        )
    axes = choose_axes(found.axes, overrides.axes, shapes[0], name)
    for array, shape in zip(found.arrays, shapes, strict=True):
        _check_array(array, shape, axes, name)
    space = [i for i, axis in enumerate(axes) if axis not in NON_SPATIAL_AXES]
    moved = overrides.axes is not None or overrides.spacing is not None or overrides.translation is not None
    n_channels = shapes[0][axes.index("c")] if "c" in axes else 0
    return Volume(
        name=name,
        axes=axes,
        levels=_levels(found, overrides, shapes, space),
        units=_units(found, overrides.units, space),
        source=found.source,
        channels=found.channels if len(found.channels) == n_channels else (),
        affine=None if moved else found.affine,
        is_labels=found.is_labels,
        label_names=dict(found.label_names),
    )


def _shape(array: ArrayLike, name: str) -> tuple[int, ...]:
    try:
        return tuple(int(n) for n in array.shape)
    except ValueError:  # dask writes an unknown length as NaN
        raise VolumeError(
            f"{name} has an axis of unknown length (shape {array.shape}); "
            "call compute_chunk_sizes() on the dask array first."
        ) from None


def _check_array(array: ArrayLike, shape: tuple[int, ...], axes: tuple[str, ...], name: str) -> None:
    if len(shape) != len(axes):
        raise VolumeError(f"The levels of {name} must all have the axes {', '.join(axes)}, got one of shape {shape}.")
    if 0 in shape:
        raise VolumeError(f"{name} is empty along {axes[shape.index(0)]} (shape {shape}); a volume needs voxels.")
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise VolumeError(
            f"{name} holds elements of type {dtype}; a volume holds booleans, integers or real numbers of at most "
            "64 bits: convert it first, for example with astype."
        )


def _levels(found: Found, overrides: Overrides, shapes: list[tuple[int, ...]], space: list[int]) -> tuple[Level, ...]:
    n = len(shapes[0])
    aligned = align_levels(found.arrays, (1.0,) * n, (0.0,) * n)
    scales = np.abs(np.array(found.scales or aligned[0], dtype=np.float64))[:, space]
    shifts = np.array(found.translations or (np.zeros_like(found.scales) if found.scales else aligned[1]))[:, space]
    if (given := _per_axis(overrides.spacing, len(space), "spacing")) is not None:
        shifts = shifts * given / scales[0]
        scales = scales * given / scales[0]
    if (given := _per_axis(overrides.translation, len(space), "translation")) is not None:
        shifts = shifts - shifts[0] + given
    if not (np.all(scales > 0) and np.all(np.isfinite(scales)) and np.all(np.isfinite(shifts))):
        raise VolumeError(
            f"{found.name} needs a positive spacing and a finite translation, got spacing {tuple(scales[0].tolist())} "
            f"and translation {tuple(shifts[0].tolist())}; pass spacing and translation."
        )
    return tuple(
        Level(data=array, spacing=tuple(scale.tolist()), translation=tuple(shift.tolist()))
        for array, scale, shift in zip(found.arrays, scales, shifts, strict=True)
    )


def _per_axis(value: float | Sequence[float] | None, n: int, name: str) -> np.ndarray[Any, Any] | None:
    if value is None:
        return None
    try:
        array = np.asarray(value, dtype=np.float64)
        return np.broadcast_to(array, (n,)).copy() if array.ndim == 0 else array.reshape((n,))
    except (TypeError, ValueError):
        raise AxesError(f"{name} must be a number or one number for each of {n} spatial axes, got {value!r}.") from None


def _units(found: Found, given: str | Sequence[str | None] | None, space: list[int]) -> tuple[str | None, ...]:
    if given is None:
        return tuple(unit_name(found.units[i]) for i in space) if found.units else (None,) * len(space)
    units = (given,) * len(space) if isinstance(given, str) else tuple(given)
    if len(units) != len(space):
        raise AxesError(f"units must be a name or one name for each of {len(space)} spatial axes, got {given!r}.")
    return tuple(unit_name(unit) for unit in units)
