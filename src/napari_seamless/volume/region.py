"""A region of interest from what a person writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from napari_seamless.errors import GeometryError, SettingsError
from napari_seamless.types import Box

if TYPE_CHECKING:
    from napari_seamless.types import Volume

Interval = tuple[int | None, int | None]

_INTERVAL = re.compile(r"(-?\d+)?\s*:\s*(-?\d+)?")


def parse_region(value: object, volume: Volume) -> Box:
    """Return the box of a volume that a person names.

    Parameters
    ----------
    value : str, Box or sequence of slices
        Intervals in voxels of the finest level, one for each spatial axis in array order, such as
        ``"64:128, 0:256, :"``; or by name, such as ``"z=64:128, x=:50"``, where axes that are not named are whole. The
        end is not part of the interval; what is left out is the volume's end; negative numbers count from it, as in
        NumPy, but not in a Box.
    volume : Volume
        What the region lies in.

    Raises
    ------
    SettingsError
        The value cannot be understood.
    GeometryError
        The region is empty, reaches outside the volume, or has another number of axes.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_seamless.volume import open_volume
    >>> volume = open_volume(np.zeros((100, 200, 300), "u1"))
    >>> parse_region("64:80, :, -100:", volume)
    Box(start=(64, 0, 200), stop=(80, 200, 300))
    >>> parse_region("x=10:20", volume)
    Box(start=(0, 0, 10), stop=(100, 200, 20))
    """
    if isinstance(value, Box):
        return _checked(value, volume)
    if isinstance(value, str):
        intervals = _from_text(value, volume)
    elif isinstance(value, slice):
        intervals = [_from_slice(value, value)]
    elif isinstance(value, tuple | list):
        intervals = [_from_slice(entry, value) for entry in value]
    else:
        raise _unclear(value)
    if len(intervals) != len(volume.spatial_axes):
        raise GeometryError(
            f"The region {value!r} has {len(intervals)} axes, but {volume.name} has "
            f"{len(volume.spatial_axes)} ({', '.join(volume.spatial_axes)}); give an interval for each, or name axes "
            f'as in "{volume.spatial_axes[-1]}=0:64".'
        )
    ends = [
        (0 if a is None else a + n * (a < 0), n if b is None else b + n * (b < 0))
        for (a, b), n in zip(intervals, volume.spatial_shape, strict=True)
    ]
    return _checked(Box(tuple(a for a, _ in ends), tuple(b for _, b in ends)), volume)


def _from_text(value: str, volume: Volume) -> list[Interval]:
    parts = [part.strip() for part in value.split(",")]
    if not any("=" in part for part in parts):
        return [_interval(part, value) for part in parts]
    named: dict[str, Interval] = {}
    for part in parts:
        name, equals, text = part.partition("=")
        axis = name.strip().lower()
        if not equals or axis in named:
            raise _unclear(value)
        if axis not in volume.spatial_axes:
            raise SettingsError(
                f"The region {value!r} names the axis {axis!r}, but the spatial axes of {volume.name} are "
                f"{', '.join(volume.spatial_axes)}; use one of them."
            )
        named[axis] = _interval(text.strip(), value)
    return [named.get(axis, (None, None)) for axis in volume.spatial_axes]


def _interval(text: str, value: object) -> Interval:
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise _unclear(value)
    start, stop = (None if end is None else int(end) for end in match.groups())
    return start, stop


def _from_slice(entry: Any, value: object) -> Interval:
    if not isinstance(entry, slice) or entry.step not in {None, 1}:
        raise _unclear(value)
    try:
        start, stop = (None if end is None else int(end.__index__()) for end in (entry.start, entry.stop))
    except AttributeError:
        raise _unclear(value) from None
    return start, stop


def _checked(box: Box, volume: Volume) -> Box:
    shape = volume.spatial_shape
    if len(box.start) != len(shape) or len(box.stop) != len(shape):
        raise GeometryError(f"A region of {volume.name} has {len(shape)} spatial axes, got {box}.")
    for axis, a, b, n in zip(volume.spatial_axes, box.start, box.stop, shape, strict=True):
        if not 0 <= a < b <= n:
            what = "is empty" if a >= b else "reaches outside the volume"
            raise GeometryError(
                f"The region {what} along {axis}: it is {a}:{b}, and {volume.name} has {n} voxels there; "
                f"choose an interval within 0:{n}."
            )
    return box


def _unclear(value: object) -> SettingsError:
    return SettingsError(
        f'A region is written as intervals such as "64:128,0:256,:" or "z=64:128,x=:50", or given as a Box or a tuple '
        f"of slices, got {value!r}."
    )
