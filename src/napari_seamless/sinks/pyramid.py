"""Pyramid levels whose chunks match the chunks of the finest level one to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_SMALL_ENOUGH = 64
_SMALLEST_CHUNK = 8
_ISOTROPY = 2**0.5
_LANES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PyramidLevel:
    """One level of the output.

    Parameters
    ----------
    factors : tuple of int
        Voxels of the finest level along each spatial axis for one voxel here; powers of 2.
    shape, chunk : tuple of int
        Voxels of the level and of its chunks.
    """

    factors: tuple[int, ...]
    shape: tuple[int, ...]
    chunk: tuple[int, ...]


def pyramid_levels(
    shape: tuple[int, ...], chunk: tuple[int, ...], spacing: tuple[float, ...]
) -> tuple[PyramidLevel, ...]:
    """Plan levels until a level is at most 64 voxels along every axis.

    A finished chunk fills exactly one chunk of each level, so every chunk of the pyramid is written once. Axes with
    much coarser voxels are halved later than the others.

    Parameters
    ----------
    shape, chunk : tuple of int
        Voxels of the finest level and of its chunks.
    spacing : tuple of float
        Voxel size per axis.

    Returns
    -------
    tuple of PyramidLevel
        Finest first.

    Examples
    --------
    >>> [level.shape for level in pyramid_levels((200, 200, 100), (64, 64, 64), (1.0, 1.0, 2.0))]
    [(200, 200, 100), (100, 100, 100), (50, 50, 50)]
    """
    levels = [PyramidLevel(factors=(1,) * len(shape), shape=shape, chunk=chunk)]
    while max(levels[-1].shape) > _SMALL_ENOUGH:
        halved = _halved(levels[-1], spacing)
        if halved is None:
            break
        levels.append(halved)
    return tuple(levels)


def _halved(level: PyramidLevel, spacing: tuple[float, ...]) -> PyramidLevel | None:
    sizes = [s * f for s, f in zip(spacing, level.factors, strict=True)]
    finest = min((s for s, n in zip(sizes, level.shape, strict=True) if n > 1), default=1.0)
    steps = tuple(2 if n > 1 and s <= finest * _ISOTROPY else 1 for s, n in zip(sizes, level.shape, strict=True))
    for step, c, n in zip(steps, level.chunk, level.shape, strict=True):
        if step == 2 and c < n and (c % 2 or c // 2 < _SMALLEST_CHUNK):
            return None
    return PyramidLevel(
        factors=tuple(f * s for f, s in zip(level.factors, steps, strict=True)),
        shape=tuple(-(-n // s) for n, s in zip(level.shape, steps, strict=True)),
        chunk=tuple(-(-c // s) for c, s in zip(level.chunk, steps, strict=True)),
    )


def nearest(block: np.ndarray[Any, Any], factors: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Take every n-th voxel along the last axes: labels must not be mixed."""
    every: tuple[Any, ...] = (..., *(slice(None, None, factor) for factor in factors))
    taken: np.ndarray[Any, Any] = block[every]
    return taken


def mean(block: np.ndarray[Any, Any], factors: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Average over cells of `factors` voxels along the last axes; cells at the end may be smaller.

    Parameters
    ----------
    block : numpy.ndarray
        Voxels of any integer or floating type.
    factors : tuple of int
        Voxels of a cell along each of the last axes.

    Returns
    -------
    numpy.ndarray
        Means of the block's type, rounded once to its nearest value; half between two integers goes to the even one.

    Examples
    --------
    >>> import numpy as np
    >>> mean(np.array([[255, 254, 9], [255, 255, 10]], np.uint8), (2, 2))
    array([[255,  10]], dtype=uint8)
    """
    dtype = block.dtype
    if dtype.kind in "iu":
        sums, counts = _cells(block, factors, np.dtype(np.float64), divide=False)
        rounded: np.ndarray[Any, Any] = np.rint(sums / counts).astype(dtype)
        return rounded
    means, _ = _cells(block, factors, np.promote_types(dtype, np.float32), divide=True)
    return means.astype(dtype, copy=False)


def _cells(
    block: np.ndarray[Any, Any], factors: tuple[int, ...], dtype: np.dtype[Any], *, divide: bool
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Reduce one axis after the other to sums or means in `dtype`; return them with the voxels of each cell."""
    counts = np.ones((1,) * block.ndim, dtype)
    block = block.astype(dtype, copy=False)
    for axis, factor in enumerate(factors, start=block.ndim - len(factors)):
        if factor == 1:
            continue
        whole, rest = divmod(block.shape[axis], factor)
        sizes = [factor] * whole + [rest] * (rest > 0)
        count = np.array(sizes, dtype).reshape(-1, *(1,) * (block.ndim - axis - 1))
        parts = [_sum_of_each(_along(block, axis, slice(whole * factor)), axis, factor)] if whole else []
        if rest:
            parts.append(_sum_of_each(_along(block, axis, slice(whole * factor, None)), axis, rest))
        block = np.concatenate(parts, axis=axis) if len(parts) > 1 else parts[0]
        if divide:
            block /= count
        counts = counts * count
    return block, counts


def _sum_of_each(block: np.ndarray[Any, Any], axis: int, factor: int) -> np.ndarray[Any, Any]:
    """Add up cells of `factor` voxels along one axis whose length is a multiple of it.

    Whole arrays are added, each with one voxel of every cell, which is many times faster than numpy.add.reduceat and
    adds in its order: the first voxel comes last, and of many others eight sums run side by side.
    """
    first, *others = (_along(block, axis, slice(i, None, factor)).copy() for i in range(factor))
    if others:
        first += _sum(others)
    return first


def _sum(parts: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Add up arrays into the first ones."""
    eights = len(parts) // _LANES * _LANES
    for i, part in enumerate(parts[_LANES:eights]):
        parts[i % _LANES] += part
    total = parts[0]
    if eights:
        a, b, c, d, e, f, g, h = parts[:_LANES]
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for part in parts[eights or 1 :]:
        total += part
    return total


def _along(block: np.ndarray[Any, Any], axis: int, part: slice) -> np.ndarray[Any, Any]:
    """Take a slice along one axis."""
    taken: np.ndarray[Any, Any] = block[(slice(None),) * axis + (part,)]
    return taken
