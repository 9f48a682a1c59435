"""The distance transform along one axis, compiled on first use: only what runs it imports this file.

A line holds squared distances to the nearest voxel of the other kind (inside or outside of a class), negative inside.
Along an axis no voxel of the other kind is nearer than the first one beyond the voxel's run of one kind, so every run
is a problem of its own: the lowest of the parabolas that stand over its voxels and over its two ends
(P. F. Felzenszwalb and D. P. Huttenlocher, Theory of Computing 8, 2012). Threads may run the loops side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

_WIDTH = 16
"""Lines that are copied together: as many float32 as share a line of the processor's cache."""

Array = np.ndarray[Any, Any]


def _compiled(function: Function) -> Function:
    """Compile a function; what is compiled is kept on disk where there is a folder that can be written."""
    try:
        return cast("Function", njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast("Function", njit(nogil=True)(function))


@_compiled
def first_pass(inside: Array, step: float, gap: float, squares: Array) -> None:
    """Measure along rows.

    Parameters
    ----------
    inside : numpy.ndarray
        (rows, n) bool.
    step : float
        Distance between voxels along the row.
    gap : float
        Part of a step that the goal is nearer than the centre of the other kind's first voxel: 0, or 0.5 for its face.
    squares : numpy.ndarray
        (rows, n) float32; written: squared distances, negative inside, infinite in a row of one kind.
    """
    rows, n = inside.shape
    for row in range(rows):
        start = 0
        while start < n:
            kind = inside[row, start]
            stop = start + 1
            while stop < n and inside[row, stop] == kind:
                stop += 1
            sign = -1.0 if kind else 1.0
            for i in range(start, stop):
                before = i - start + 1 - gap if start > 0 else np.inf
                after = stop - i - gap if stop < n else np.inf
                distance = min(before, after) * step
                squares[row, i] = sign * distance * distance
            start = stop


@_compiled
def next_pass(squares: Array, step: float, gap: float, first: int, last: int) -> None:
    """Add an axis to squared distances along others, in place.

    Parameters
    ----------
    squares : numpy.ndarray
        (n, lines) float32: lines run along the first axis.
    step, gap : float
        See `first_pass`.
    first, last : int
        The lines to do.
    """
    n = squares.shape[0]
    lines = np.empty((_WIDTH, n), np.float32)
    where, height, since = np.empty(n + 2), np.empty(n + 2), np.empty(n + 2)
    for begin in range(first, last, _WIDTH):
        width = min(_WIDTH, last - begin)
        for i in range(n):
            for j in range(width):
                lines[j, i] = squares[i, begin + j]
        for j in range(width):
            _do_line(lines[j], step, gap, where, height, since)
        for i in range(n):
            for j in range(width):
                squares[i, begin + j] = lines[j, i]


@_compiled
def to_distances(squares: Array, unit: np.float32, shift: np.float32, limit: np.float32) -> None:
    """Turn signed squares into signed distances, in place.

    Parameters
    ----------
    squares : numpy.ndarray
        (n,) float32, negative inside.
    unit : numpy.float32
        Length that the squares are measured in.
    shift : numpy.float32
        Added to distances inside.
    limit : numpy.float32
        Results are cut at this distance on both sides.
    """
    for i in range(squares.size):
        square = squares[i]
        distance = np.sqrt(abs(square)) * unit
        if square < 0:
            distance = shift - distance
        squares[i] = min(max(distance, -limit), limit)


@_compiled
def _do_line(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    line: Array, step: float, gap: float, where: Array, height: Array, since: Array
) -> None:
    """Do every run of one line."""
    n = line.size
    start = 0
    while start < n:
        inside = line[start] < 0
        stop = start + 1
        while stop < n and (line[stop] < 0) == inside:
            stop += 1
        count = _envelope(line, start, stop, step, gap, where, height, since)
        sign = -1.0 if inside else 1.0
        k = 0
        for i in range(start, stop):
            square = float(abs(line[i]))
            if count > 0:
                while k + 1 < count and since[k + 1] < i:
                    k += 1
                away = (i - where[k]) * step
                square = min(square, height[k] + away * away)
            line[i] = sign * square
        start = stop


@_compiled
def _envelope(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    line: Array, start: int, stop: int, step: float, gap: float, where: Array, height: Array, since: Array
) -> int:
    """Stand parabolas over a run and its ends; return how many are the lowest somewhere.

    With a gap of half a step the nearest point of another voxel along the axis is its near face, which two voxels
    share: a parabola stands over each face between two voxels of the run, as low as the lower of the two.
    """
    count = 0
    if start > 0:
        count = _add(start - 1 + gap, 0.0, step, count, where, height, since)
    if gap == 0.0:
        for i in range(start, stop):
            count = _add(float(i), float(abs(line[i])), step, count, where, height, since)
    else:
        for i in range(start, stop - 1):
            lower = float(min(abs(line[i]), abs(line[i + 1])))
            count = _add(i + gap, lower, step, count, where, height, since)
    if stop < line.size:
        count = _add(stop - gap, 0.0, step, count, where, height, since)
    return count


@_compiled
def _add(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    place: float, low: float, step: float, count: int, where: Array, height: Array, since: Array
) -> int:
    """Add a parabola to the right of `count` others, and drop those that are nowhere the lowest any more."""
    if low == np.inf:
        return count
    meets = -np.inf
    while count > 0:
        k = count - 1
        apart = place - where[k]
        meets = 0.5 * (place + where[k] + (low - height[k]) / (apart * step * step))
        if meets > since[k]:
            break
        count -= 1
        meets = -np.inf
    where[count], height[count], since[count] = place, low, meets
    return count + 1
