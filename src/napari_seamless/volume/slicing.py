"""Basic indexing as full tuples of slices, for arrays that only understand those."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator


def whole_slices(key: Any, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Return one slice with bounds inside the array for each axis; an integer becomes a slice of length one.

    Parameters
    ----------
    key : int, slice, Ellipsis or a tuple of them
        What stands in the brackets.
    shape : tuple of int
        Shape of the array.

    Raises
    ------
    IndexError
        The key has too many entries, an integer is out of bounds, a step is not positive, or an entry is neither.

    Examples
    --------
    >>> whole_slices((..., -1), (4, 5))
    (slice(0, 4, 1), slice(4, 5, 1))
    """
    entries = full_key(key, len(shape))
    return tuple(_slice(entry, n) for entry, n in zip(entries, shape, strict=True))


def full_key(key: Any, ndim: int) -> tuple[Any, ...]:
    """Return a key with one entry for each axis: an Ellipsis and what is left out become full slices."""
    entries = key if isinstance(key, tuple) else (key,)
    dots = [i for i, entry in enumerate(entries) if entry is Ellipsis]
    missing = ndim - (len(entries) - len(dots))
    if missing < 0 or len(dots) > 1:
        raise IndexError(f"an array of {ndim} axes was indexed with {key!r}")
    at = dots[0] if dots else len(entries)
    return (*entries[:at], *(slice(None),) * missing, *entries[at + len(dots) :])


def drop_integers(part: np.ndarray[Any, Any], key: Any) -> np.ndarray[Any, Any]:
    """Remove the axes that integers of the key named from what `whole_slices` has read."""
    entries = full_key(key, part.ndim)
    if all(isinstance(entry, slice) for entry in entries):
        return part
    return np.asarray(part[tuple(slice(None) if isinstance(entry, slice) else 0 for entry in entries)])


def _slice(entry: Any, n: int) -> slice:
    if isinstance(entry, slice):
        start, stop, step = entry.indices(n)
        if step < 1:
            raise IndexError(f"the step of a slice must be positive, got {entry!r}")
        return slice(start, max(start, stop), step)
    try:
        i = operator.index(entry)
    except TypeError:
        raise IndexError(f"only integers, slices and ... can index a volume, got {entry!r}") from None
    if not -n <= i < n:
        raise IndexError(f"index {i} is outside an axis of length {n}")
    return slice(i % n, i % n + 1, 1)


def units_along(taken: slice, unit: int) -> Iterator[tuple[int, slice]]:
    """Yield each unit of storage that a slice of positive step meets, and where its voxels lie in what was read.

    Examples
    --------
    >>> list(units_along(slice(2, 9, 3), 4))
    [(0, slice(0, 1, None)), (1, slice(1, 2, None)), (2, slice(2, 3, None))]
    """
    step = taken.step or 1
    for i in range(taken.start // unit, -(-taken.stop // unit)):
        first = max(0, math.ceil((i * unit - taken.start) / step))
        last = max(0, math.ceil((min((i + 1) * unit, taken.stop) - taken.start) / step))
        if last > first:
            yield i, slice(first, last)
