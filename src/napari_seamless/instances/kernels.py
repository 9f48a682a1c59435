"""Loops over voxels and pairs, compiled on first use: only what runs them imports this file.

Threads may run them side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])
Array = np.ndarray[Any, Any]


def _compiled(function: Function) -> Function:
    """Compile a function; what is compiled is kept on disk where there is a folder that can be written."""
    try:
        return cast("Function", njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast("Function", njit(nogil=True)(function))


@_compiled
def measure(labels: Array, sizes: Array, firsts: Array) -> None:
    """Count the voxels of each label and find its first voxel.

    Parameters
    ----------
    labels : numpy.ndarray
        (n,) uint32: 0 for none.
    sizes, firsts : numpy.ndarray
        (label,) int64, of label 1 first; written. Sizes must be 0 before.
    """
    for i in range(labels.size):
        label = labels[i]
        if label > 0:
            if sizes[label - 1] == 0:
                firsts[label - 1] = i
            sizes[label - 1] += 1


@_compiled
def climb(depth: Array, low: Array, size: Array, steps: Array, up: Array) -> None:
    """Find the deepest neighbour of each voxel of a box; of equal ones the first in raster order.

    Parameters
    ----------
    depth : numpy.ndarray
        (z, y, x) float32: above 0 in the foreground.
    low, size : numpy.ndarray
        (3,) int64: first voxel and shape of the box.
    steps : numpy.ndarray
        (neighbour, 3) int64.
    up : numpy.ndarray
        (z * y * x,) int32; written in the foreground of the box: raster index of the neighbour, or the voxel's own
        where none is deeper.
    """
    nz, ny, nx = depth.shape
    for z in range(low[0], low[0] + size[0]):
        for y in range(low[1], low[1] + size[1]):
            for x in range(low[2], low[2] + size[2]):
                best = depth[z, y, x]
                if best <= 0:
                    continue
                here = (z * ny + y) * nx + x
                target = here
                for k in range(len(steps)):
                    c, b, a = z + steps[k, 0], y + steps[k, 1], x + steps[k, 2]
                    if c < 0 or b < 0 or a < 0 or c >= nz or b >= ny or a >= nx:
                        continue
                    there = (c * ny + b) * nx + a
                    if depth[c, b, a] > best or (depth[c, b, a] == best and there < target):
                        best, target = depth[c, b, a], there
                up[here] = target


@_compiled
def follow(up: Array, shape: Array, low: Array, labels: Array, number: Array) -> int:
    """Label the voxels of a box by where their ways up end: at a maximum, or where they leave the box.

    Parameters
    ----------
    up : numpy.ndarray
        What `climb` wrote, -1 elsewhere; ways are shortened.
    shape, low : numpy.ndarray
        (3,) int64: shape of the array of depths, and first voxel of the box.
    labels : numpy.ndarray
        (z, y, x) uint32 of the box, written: numbers from 1 on.
    number : numpy.ndarray
        As `up`, zeros; written: the number that belongs to an end.

    Returns
    -------
    int
        Numbers.
    """
    count = 0
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                here = ((z + low[0]) * shape[1] + y + low[1]) * shape[2] + x + low[2]
                if up[here] < 0:
                    continue
                end = here
                while up[end] >= 0 and up[end] != end:
                    end = up[end]
                while here != end:
                    after = up[here]
                    up[here] = end
                    here = after
                if number[end] == 0:
                    count += 1
                    number[end] = count
                labels[z, y, x] = number[end]
    return count


@_compiled
def touch(  # noqa: PLR0913, PLR0917  loops that a compiler sees through
    labels: Array, depth: Array, steps: Array, begin: int, one: Array, other: Array, height: Array
) -> tuple[int, int]:
    """List neighbours of different labels, until the lists are full.

    Parameters
    ----------
    labels : numpy.ndarray
        (z, y, x) int64: 0 for none.
    depth : numpy.ndarray
        (z, y, x) float32, or empty: heights are then 0.
    steps : numpy.ndarray
        (neighbour, 3) int64: every pair once.
    begin : int
        Raster index of the first voxel to look at.
    one, other, height : numpy.ndarray
        (n,) int64, int64 and float32; written: two labels, and the lesser of two depths. A pair comes many times.

    Returns
    -------
    count, next : int
        Entries, and the voxel to go on with: the number of voxels at the end.
    """
    nz, ny, nx = labels.shape
    count = 0
    for here in range(begin, labels.size):
        if count + len(steps) > len(one):
            return count, here
        x = here % nx
        y = here // nx % ny
        z = here // nx // ny
        label = labels[z, y, x]
        if label == 0:
            continue
        for k in range(len(steps)):
            c, b, a = z + steps[k, 0], y + steps[k, 1], x + steps[k, 2]
            if b < 0 or a < 0 or c >= nz or b >= ny or a >= nx:
                continue
            beside = labels[c, b, a]
            if beside in (0, label):
                continue
            low = min(depth[z, y, x], depth[c, b, a]) if depth.size > 0 else np.float32(0)
            if count > 0 and one[count - 1] == label and other[count - 1] == beside:
                height[count - 1] = max(height[count - 1], low)
            else:
                one[count], other[count], height[count] = label, beside, low
                count += 1
    return count, labels.size


@_compiled
def _find(parents: Array, i: int) -> int:
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


@_compiled
def join(parents: Array, one: Array, other: Array) -> None:
    """Unite the sets of pairs; the smallest member stands for a set.

    Parameters
    ----------
    parents : numpy.ndarray
        (n,) int64, a forest; changed.
    one, other : numpy.ndarray
        (pair,) int64.
    """
    for i in range(len(one)):
        a, b = _find(parents, one[i]), _find(parents, other[i])
        parents[max(a, b)] = min(a, b)


@_compiled
def flood(parents: Array, seeded: Array, one: Array, other: Array) -> None:
    """Unite the sets of pairs in their order, but never two that hold a seed.

    Parameters
    ----------
    parents : numpy.ndarray
        (n,) int64, a forest; changed.
    seeded : numpy.ndarray
        (n,) bool: whether the set of a member that stands for it holds a seed; changed.
    one, other : numpy.ndarray
        (pair,) int64.
    """
    for i in range(len(one)):
        a, b = _find(parents, one[i]), _find(parents, other[i])
        if a != b and not (seeded[a] and seeded[b]):
            parents[max(a, b)] = min(a, b)
            seeded[min(a, b)] = seeded[a] or seeded[b]


@_compiled
def flatten(parents: Array) -> None:
    """Let every member name the one that stands for its set."""
    for i in range(len(parents)):
        parents[i] = _find(parents, i)
