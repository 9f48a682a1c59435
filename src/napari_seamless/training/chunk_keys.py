"""Which chunks the brackets of an array name, and where the voxels lie in each."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_seamless.volume.slicing import units_along

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Array: TypeAlias = np.ndarray[Any, Any]
Index: TypeAlias = tuple[int, ...]
Slices: TypeAlias = tuple[slice, ...]


def parts_of_box(
    box: Slices, chunk: tuple[int, ...], only: Collection[Index] | None = None
) -> Iterator[tuple[Index, Slices, Slices]]:
    """Yield each chunk that a box meets, the voxels in the chunk, and where they lie in the box.

    Parameters
    ----------
    box : tuple of slice
        With bounds and positive steps, as `napari_seamless.volume.slicing.whole_slices` returns.
    chunk : tuple of int
        Voxels of a chunk along each axis.
    only : collection of tuple of int, optional
        Leave out all other chunks; where there are fewer of these than the box meets, they alone cost time.

    Examples
    --------
    >>> list(parts_of_box((slice(2, 8, 3),), (4,)))
    [((0,), (slice(2, 3, 3),), (slice(0, 1, None),)), ((1,), (slice(1, 2, 3),), (slice(1, 2, None),))]
    """
    along = [dict(units_along(taken, n)) for taken, n in zip(box, chunk, strict=True)]
    for index in _touched(along, only):
        there = tuple(parts[i] for parts, i in zip(along, index, strict=True))
        here = tuple(_inside(taken, part, i * n) for taken, part, i, n in zip(box, there, index, chunk, strict=True))
        yield index, here, there


def _touched(along: list[dict[int, slice]], only: Collection[Index] | None) -> Iterator[Index]:
    if only is None or math.prod(map(len, along)) <= len(only):
        yield from (index for index in itertools.product(*along) if only is None or index in only)
    else:
        yield from (index for index in only if all(i in parts for parts, i in zip(along, index, strict=True)))


def _inside(taken: slice, part: slice, origin: int) -> slice:
    first = taken.start + part.start * taken.step - origin
    return slice(first, first + (part.stop - part.start - 1) * taken.step + 1, taken.step)


def is_points(key: Any) -> bool:
    """Return whether a key names single voxels by arrays of coordinates.

    Examples
    --------
    >>> is_points((np.array([1, 2]), np.array([0, 0]))), is_points((3, slice(None)))
    (True, False)
    """
    entries = key if isinstance(key, tuple) else (key,)
    return any(isinstance(entry, (list, np.ndarray)) and np.ndim(entry) > 0 for entry in entries)


def points_of(key: Any, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[Array, ...]]:
    """Return the shape that a key of coordinates gives, and the coordinates along each axis as flat int64 arrays.

    Raises
    ------
    IndexError
        There is not one array of integers for each axis, or a coordinate is outside.

    Examples
    --------
    >>> points_of((np.array([[0], [-1]]), 3), (4, 5))
    ((2, 1), (array([0, 3]), array([3, 3])))
    """
    entries = [np.asarray(entry) for entry in key] if isinstance(key, tuple) else []
    if len(entries) != len(shape) or any(entry.dtype.kind not in "iu" for entry in entries):
        raise IndexError(
            f"painted voxels are named by one array of whole numbers for each of {len(shape)} axes, got {key!r}; "
            "for a mask take numpy.nonzero of it"
        )
    arrays = np.broadcast_arrays(*entries)
    flat = []
    for i, (array, n) in enumerate(zip(arrays, shape, strict=True)):
        values = array.ravel().astype(np.int64)
        if values.size and (values.min() < -n or values.max() >= n):
            raise IndexError(f"a coordinate along axis {i} is outside its length {n}")
        flat.append(np.where(values < 0, values + n, values))
    return arrays[0].shape, tuple(flat)


def points_by_chunk(
    points: tuple[Array, ...], shape: tuple[int, ...], chunk: tuple[int, ...]
) -> Iterator[tuple[Index, Array, Array | slice]]:
    """Yield each chunk that holds points, their positions in the flat chunk, and which points they are.

    Parameters
    ----------
    points : tuple of numpy.ndarray
        int64 coordinates along each axis, (n,).
    shape, chunk : tuple of int
        Voxels of the array and of a chunk along each axis.
    """
    if not points[0].size:
        return
    grid = tuple(-(-n // c) for n, c in zip(shape, chunk, strict=True))
    chunks = np.ravel_multi_index(tuple(p // c for p, c in zip(points, chunk, strict=True)), grid)
    inside = np.ravel_multi_index(tuple(p % c for p, c in zip(points, chunk, strict=True)), chunk)
    if chunks.min() == chunks.max():
        yield _unravel(chunks[0], grid), inside, slice(None)
        return
    # stable, so that of two values for one voxel the last one stays, as in NumPy
    order = np.argsort(chunks, kind="stable")
    ends = np.flatnonzero(np.diff(chunks[order])) + 1
    for which in np.split(order, ends):
        yield _unravel(chunks[which[0]], grid), inside[which], which


def _unravel(number: Any, grid: tuple[int, ...]) -> Index:
    return tuple(int(i) for i in np.unravel_index(number, grid))
