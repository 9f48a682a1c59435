"""The distance transform of an array, axis after axis, on as many threads as it is given."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_seamless.distance.convention import Measure

Array = np.ndarray[Any, np.dtype[np.float32]]

_TASKS_PER_THREAD = 4
_FEWEST_LINES = 16


def signed_squares(
    inside: np.ndarray[Any, np.dtype[np.bool_]], measure: Measure, axes: Sequence[int], threads: int = 1
) -> Array:
    r"""Measure squared distances to the other kind of voxels along some axes alone.

    Parameters
    ----------
    inside : numpy.ndarray
        (\*space) bool, contiguous.
    measure : Measure
        What is measured.
    axes : sequence of int
        The axes, rising; the last one is the array's last.
    threads : int
        Threads.

    Returns
    -------
    numpy.ndarray
        (\*space) float32 in `Measure.unit` squared, negative inside; infinite where the axes lead to no voxel of the
        other kind.
    """
    from napari_seamless.distance import kernels

    n = inside.shape[-1]
    squares = np.empty(inside.shape, np.float32)
    rows, results = inside.reshape(-1, n), squares.reshape(-1, n)
    step, gap = measure.steps[-1], measure.gap

    def do(first: int, last: int) -> None:
        kernels.first_pass(rows[first:last], step, gap, results[first:last])

    _in_parts(do, len(rows), threads)
    for axis in reversed(axes[:-1]):
        add_axis(squares, axis, measure, threads)
    return squares


def add_axis(squares: Array, axis: int, measure: Measure, threads: int = 1) -> None:
    r"""Add an axis to squared distances along others, in place.

    Parameters
    ----------
    squares : numpy.ndarray
        (\*space) float32, contiguous.
    axis : int
        The axis.
    measure : Measure
        What is measured.
    threads : int
        Threads.
    """
    from napari_seamless.distance import kernels

    lines = math.prod(squares.shape[axis + 1 :])
    planes = squares.reshape(-1, squares.shape[axis], lines)
    step, gap = measure.steps[axis], measure.gap
    for plane in planes if len(planes) < threads else ():
        _in_parts(lambda a, b, plane=plane: kernels.next_pass(plane, step, gap, a, b), lines, threads)  # type: ignore[misc]

    def do(first: int, last: int) -> None:
        for plane in planes[first:last]:
            kernels.next_pass(plane, step, gap, 0, lines)

    if len(planes) >= threads:
        _in_parts(do, len(planes), threads, fewest=1)


def to_distances(squares: Array, measure: Measure) -> None:
    """Turn signed squares of all axes into signed distances, in place."""
    from napari_seamless.distance import kernels

    unit, shift, limit = np.float32(measure.unit), np.float32(measure.shift), np.float32(measure.limit)
    kernels.to_distances(squares.reshape(-1), unit, shift, limit)


def _in_parts(do: Callable[[int, int], None], n: int, threads: int, fewest: int = _FEWEST_LINES) -> None:
    """Cut the range up to n, and do its parts side by side."""
    size = max(fewest, -(-n // (threads * _TASKS_PER_THREAD)))
    starts = range(0, n, size)
    if threads == 1 or len(starts) == 1:
        do(0, n)
        return
    with ThreadPoolExecutor(threads, "seamless-distance") as pool:
        for _ in pool.map(lambda start: do(start, min(n, start + size)), starts):
            pass
