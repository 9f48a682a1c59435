"""A region where settings are worth comparing, found with cheap reads."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import GeometryError
from napari_seamless.plan import per_axis
from napari_seamless.quality import check_truth
from napari_seamless.types import NON_SPATIAL_AXES, Box, Volume
from napari_seamless.volume import open_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types import Level

Array = np.ndarray[Any, Any]

_READ_WHOLE_VOXELS = 2**25
_PROBE = 16
"""Voxels per axis that are read of a cell where the volume is too large to be read."""
_MOST_CELLS = 512
_CELLS = 4
"""Cells per patch edge: the region can begin at each."""


def default_region(
    volume: Any,
    truth: Any = None,
    *,
    patch_size: int | Sequence[int] = 64,
    size: int | Sequence[int] | None = None,
    avoid: Box | None = None,
) -> Box:
    """Choose a region: where the classes of the truth meet, else where the intensities vary most.

    A coarse level is read where there is one; of a large volume without levels, small blocks on a lattice.

    Parameters
    ----------
    volume : Volume or anything that `open_volume` takes
        The input.
    truth : Volume, or anything that `open_volume` takes, or None
        Labels of the volume's shape.
    patch_size : int or sequence of int
        Voxels that the network sees at once.
    size : int or sequence of int or None
        Voxels of the region per axis, at most the volume; None takes two patches.
    avoid : Box or None
        A box that the region shares no voxel with.

    Returns
    -------
    Box

    Raises
    ------
    VolumeError
        The truth has another shape.
    GeometryError
        There is no room for the region beside the box to avoid.

    Examples
    --------
    >>> image = np.zeros((64, 64), np.float32)
    >>> image[40:, 40:] = np.random.default_rng(0).random((24, 24))
    >>> default_region(image, patch_size=16)
    Box(start=(32, 32), stop=(64, 64))
    """
    opened = open_volume(volume)
    source = opened
    if truth is not None:
        source = open_volume(truth, missing_chunks="fill")
        check_truth(opened, source)
    shape = opened.spatial_shape
    patch = per_axis("patch_size", patch_size if isinstance(patch_size, int) else tuple(patch_size), len(shape))
    wanted = per_axis("size", tuple(2 * p for p in patch) if size is None else size, len(shape))
    extent = tuple(map(min, wanted, shape))
    cell = _cell(shape, patch)
    starts = _starts(shape, extent, cell, avoid)
    features = _class_counts if truth is not None else _moments
    score = _classes_meet if truth is not None else _variance
    table = _table(_coarsest(source, cell), source, cell, features)
    return _best(table, starts, extent, cell, score)


def _cell(shape: tuple[int, ...], patch: tuple[int, ...]) -> tuple[int, ...]:
    """Return the size of a cell: a part of a patch, larger where there would be too many."""
    cell = tuple(max(1, p // _CELLS) for p in patch)
    while math.prod(-(-n // c) for n, c in zip(shape, cell, strict=True)) > _MOST_CELLS * _CELLS:
        cell = tuple(2 * c for c in cell)
    return cell


def _coarsest(volume: Volume, cell: tuple[int, ...]) -> Level:
    """Return the coarsest level in which a cell still has voxels of its own."""
    fitting = [
        level
        for level in volume.levels
        if all(b / a <= c for a, b, c in zip(volume.spacing, level.spacing, cell, strict=True))
    ]
    return fitting[-1]


def _table(level: Level, volume: Volume, cell: tuple[int, ...], features: Any) -> Array:
    """Return the features of each cell: (*cells, feature)."""
    spatial = [axis not in NON_SPATIAL_AXES for axis in volume.axes]
    shape = [int(n) for n, s in zip(level.data.shape, spatial, strict=True) if s]
    scale = [n / full for n, full in zip(shape, volume.spatial_shape, strict=True)]
    whole = _read(level, spatial, [slice(None)] * len(shape)) if math.prod(shape) <= _READ_WHOLE_VOXELS else None
    grid = [-(-n // c) for n, c in zip(volume.spatial_shape, cell, strict=True)]
    rows = []
    for index in itertools.product(*map(range, grid)):
        spans = [
            (math.floor(i * c * s), max(math.floor(i * c * s) + 1, math.floor((i + 1) * c * s)))
            for i, c, s in zip(index, cell, scale, strict=True)
        ]
        if whole is None:
            probes = [slice(m := max(a, (a + b - _PROBE) // 2), min(b, m + _PROBE)) for a, b in spans]
            rows.append(features(_read(level, spatial, probes)))
        else:
            rows.append(features(whole[tuple(slice(a, b) for a, b in spans)]))
    width = max(map(len, rows))
    table = np.zeros((len(rows), width))
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return table.reshape(*grid, width)


def _read(level: Level, spatial: list[bool], slices: list[slice]) -> Array:
    rest = iter(slices)
    return np.asarray(level.data[tuple(next(rest) if s else 0 for s in spatial)])


def _class_counts(block: Array) -> Array:
    return np.bincount(np.clip(np.nan_to_num(block), 0, 255).astype(np.uint8).ravel()).astype(float)


def _moments(block: Array) -> Array:
    values = block.astype(np.float64).ravel()
    values = values[np.isfinite(values)]
    return np.array([values.size, values.sum(), np.square(values).sum()])


def _classes_meet(counts: Array) -> float:
    """Return a score that every class raises, and the rare ones most."""
    return float(np.log1p(counts).sum())


def _variance(moments: Array) -> float:
    n, total, squares = moments
    return float(squares / n - (total / n) ** 2) if n else 0.0


def _starts(
    shape: tuple[int, ...], extent: tuple[int, ...], cell: tuple[int, ...], avoid: Box | None
) -> list[tuple[int, ...]]:
    """Return where a region may begin, nearest to the middle first: on the lattice of cells, or flush with an end."""
    ends = Box(shape, (0,) * len(shape)) if avoid is None else avoid
    along = [
        {*range(0, n - e + 1, c), n - e, *(start for start in (a - e, b) if 0 <= start <= n - e)}
        for n, e, c, a, b in zip(shape, extent, cell, ends.start, ends.stop, strict=True)
    ]
    middle = [(n - e) / 2 for n, e in zip(shape, extent, strict=True)]
    starts = sorted(itertools.product(*map(sorted, along)), key=lambda start: math.dist(start, middle))
    if avoid is not None:
        starts = [s for s in starts if not avoid.intersect(_box(s, extent)).size]
    if not starts:
        raise GeometryError(
            f"There is no room for a region of {extent} beside the box to avoid; choose a smaller size."
        )
    return starts


def _box(start: tuple[int, ...], extent: tuple[int, ...]) -> Box:
    return Box(start, tuple(a + e for a, e in zip(start, extent, strict=True)))


def _best(
    table: Array, starts: list[tuple[int, ...]], extent: tuple[int, ...], cell: tuple[int, ...], score: Any
) -> Box:
    """Return the box of this extent that begins at one of these starts and has the highest score."""
    sums = _cumulated(table)
    best, highest = starts[0], -math.inf
    for start in starts:
        cells = [(a // c, -(-(a + e) // c)) for a, e, c in zip(start, extent, cell, strict=True)]
        value = score(_within(sums, cells))
        if value > highest * (1 + 1e-9 * (highest > 0)):
            best, highest = start, value
    return _box(best, extent)


def _cumulated(table: Array) -> Array:
    sums = np.pad(table, [(1, 0)] * (table.ndim - 1) + [(0, 0)])
    for axis in range(table.ndim - 1):
        sums = sums.cumsum(axis=axis)
    return sums


def _within(sums: Array, cells: list[tuple[int, int]]) -> Array:
    """Return the features of a box of cells from cumulated ones, by inclusion and exclusion."""
    total = np.zeros(sums.shape[-1])
    for corner in itertools.product((0, 1), repeat=len(cells)):
        sign = (-1) ** (len(cells) - sum(corner))
        total += sign * sums[tuple(pair[c] for pair, c in zip(cells, corner, strict=True))]
    return np.maximum(total, 0)
