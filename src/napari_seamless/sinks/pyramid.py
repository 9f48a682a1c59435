"""Pyramid levels whose chunks match the chunks of the finest level one to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_SMALL_ENOUGH = 64
_SMALLEST_CHUNK = 8
_ISOTROPY = 2**0.5


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
    """Average over cells of `factors` voxels along the last axes; cells at the end may be smaller."""
    first = block.ndim - len(factors)
    for axis, factor in enumerate(factors, start=first):
        if factor > 1:
            starts = np.arange(0, block.shape[axis], factor)
            counts = np.diff(np.append(starts, block.shape[axis])).astype(block.dtype)
            block = np.add.reduceat(block, starts, axis=axis)
            block /= counts.reshape(-1, *(1,) * (block.ndim - axis - 1))
    return block
