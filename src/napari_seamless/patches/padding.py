"""Read a box that reaches beyond a volume, as if the whole volume had been padded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from napari_seamless.errors import GeometryError
from napari_seamless.types import Box, Padding

Array = np.ndarray[Any, Any]
Read = Callable[[Box], Array]


@dataclass(frozen=True, slots=True)
class _Side:
    """What one axis of a box needs: what is read, and what is put before and after it.

    `read` is an interval of the volume; `width` are the voxels that NumPy pads; `kept` is the box in what comes out.
    """

    read: tuple[int, int]
    width: tuple[int, int]
    kept: slice


def read_padded(read: Read, shape: tuple[int, ...], box: Box, padding: Padding) -> Array:
    r"""Return a box of `numpy.pad` of the whole volume, reading only what the box needs.

    Parameters
    ----------
    read : callable
        Box inside the volume to (\*others, \*spatial); the spatial axes come last.
    shape : tuple of int
        Voxels of the volume per spatial axis.
    box : Box
        What is wanted; may begin below 0 and end above `shape`, by no more than `padding.width`.
    padding : Padding
        What lies beyond the volume, and how far; the slope of ``"linear_ramp"`` depends on it.

    Returns
    -------
    numpy.ndarray
        (\*others, \*box.shape), in the type that `read` returns.

    Raises
    ------
    GeometryError
        The box reaches farther beyond the volume than the padding.

    Examples
    --------
    >>> line = np.arange(5)
    >>> padding = Padding(mode="reflect", width=((0, 3),))
    >>> read_padded(lambda box: line[box.slices], (5,), Box((3,), (8,)), padding)
    array([3, 4, 3, 2, 1])
    """
    limits = padding.width or ((0, 0),) * len(shape)
    axes = list(zip(box.start, box.stop, shape, limits, strict=True))
    if any(-a > before or b - n > after for a, b, n, (before, after) in axes):
        raise GeometryError(
            f"The box from {box.start} to {box.stop} reaches beyond a volume of {shape} that is padded by "
            f"{limits}; use a plan with the border mode pad."
        )
    if all(a >= 0 and b <= n for a, b, n, _ in axes):
        return read(box)
    if padding.mode == "wrap":
        return _wrapped(read, shape, box)
    sides = [_side(a, b, n, padding, axis) for axis, (a, b, n, _) in enumerate(axes)]
    inner = read(Box(tuple(s.read[0] for s in sides), tuple(s.read[1] for s in sides)))
    others = inner.ndim - len(shape)
    padded: Array = np.pad(
        inner, [(0, 0)] * others + [s.width for s in sides], **_keywords(padding, others, len(shape))
    )
    return padded[(slice(None),) * others + tuple(s.kept for s in sides)]


def _side(start: int, stop: int, length: int, padding: Padding, axis: int) -> _Side:
    """Say what one axis needs.

    NumPy pads one axis after the other, and a line along an axis depends on that line alone. Reading a part of each
    axis is therefore exact as soon as the part holds what the axis' own padding looks at.
    """
    before, after = max(0, -start), max(0, stop - length)
    lo, hi = min(max(start, 0), length - 1), max(min(stop, length), 1)
    if before:
        lo, hi = 0, max(hi, min(length, _reach(padding, before, axis)))
    if after:
        lo, hi = min(lo, max(0, length - _reach(padding, after, axis))), length
    width = (before, after)
    if padding.mode == "linear_ramp":  # its slope depends on the width, so all of it is made and a part is kept
        whole = padding.width[axis]
        width = (whole[0] if before else 0, whole[1] if after else 0)
    first = start - lo + width[0]
    return _Side((lo, hi), width, slice(first, first + stop - start))


def _reach(padding: Padding, width: int, axis: int) -> int:
    """Return how many voxels at the edge decide a padding of this width."""
    if padding.is_statistic:
        return _per_axis(padding.stat_length)[axis % len(_per_axis(padding.stat_length))]
    return width + 1 if padding.mode in {"reflect", "symmetric"} else 1


def _keywords(padding: Padding, others: int, n: int) -> dict[str, Any]:
    """Return what `numpy.pad` takes."""
    keywords: dict[str, Any] = {"mode": padding.mode}
    if padding.mode == "constant":
        keywords["constant_values"] = padding.value
    if padding.mode == "linear_ramp":
        keywords["end_values"] = padding.value
    if padding.mode in {"reflect", "symmetric"}:
        keywords["reflect_type"] = padding.reflect_type
    if padding.is_statistic:
        lengths = _per_axis(padding.stat_length)
        lengths = lengths * n if len(lengths) == 1 else lengths
        keywords["stat_length"] = [(1, 1)] * others + [(s, s) for s in lengths]
    return keywords


def _per_axis(value: int | tuple[int, ...] | None) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value or 1,)


def _wrapped(read: Read, shape: tuple[int, ...], box: Box) -> Array:
    """Read a box of the volume repeated without end: the voxels beyond one end come from the other."""
    wanted = [np.arange(a, b) % n for a, b, n in zip(box.start, box.stop, shape, strict=True)]
    needed = [np.unique(w) for w in wanted]
    part = _product(read, [_runs(indices) for indices in needed], ())
    for axis, (indices, w) in enumerate(zip(needed, wanted, strict=True), start=-len(shape)):
        part = np.take(part, np.searchsorted(indices, w), axis=axis)
    return part


def _runs(indices: Array) -> list[tuple[int, int]]:
    """Cut rising indices into intervals without gaps."""
    cuts = [0, *(np.flatnonzero(np.diff(indices) > 1) + 1).tolist(), len(indices)]
    return [(int(indices[a]), int(indices[b - 1]) + 1) for a, b in pairwise(cuts)]


def _product(read: Read, runs: list[list[tuple[int, int]]], chosen: tuple[tuple[int, int], ...]) -> Array:
    """Read every combination of the intervals of each axis and put the parts side by side."""
    axis = len(chosen)
    if axis == len(runs):
        return read(Box(tuple(a for a, _ in chosen), tuple(b for _, b in chosen)))
    parts = [_product(read, runs, (*chosen, run)) for run in runs[axis]]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis - len(runs))
