"""A queue of vertices by cost, in buckets: what costs alike, to a few per cent, leaves in the order in which it came.

A queue is a tuple of int32 arrays: first and last of every bucket, the next and the previous of every vertex, the
bucket of every vertex (-1: not queued), and one element for the lowest bucket that may hold something.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from napari_seamless.mesh.compiled import compiled

Array = np.ndarray[Any, Any]
Queue = tuple[Array, Array, Array, Array, Array, Array]

_POWERS, _PARTS = 64, 8


@compiled
def new_queue(n: int) -> Queue:
    """Make an empty queue for vertices below n."""
    count = 2 * _POWERS * _PARTS
    lowest = np.full(1, count, np.int32)
    first, last = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    return first, last, np.full(n, -1, np.int32), np.full(n, -1, np.int32), np.full(n, -1, np.int32), lowest


@compiled
def bucket_of(cost: float) -> int:
    """Return the bucket of a cost of 0 or more."""
    mantissa, exponent = math.frexp(cost)
    bucket = (exponent + _POWERS) * _PARTS + int((2.0 * mantissa - 1.0) * _PARTS)
    return min(max(bucket, 0), 2 * _POWERS * _PARTS - 1)


@compiled
def enqueue(queue: Queue, v: int, cost: float) -> None:
    """Put a vertex, which is not queued, at the end of its bucket."""
    first, last, after, before, where, lowest = queue
    bucket = bucket_of(cost)
    where[v], after[v], before[v] = bucket, -1, last[bucket]
    if last[bucket] < 0:
        first[bucket] = v
    else:
        after[last[bucket]] = v
    last[bucket] = v
    lowest[0] = min(lowest[0], bucket)


@compiled
def remove(queue: Queue, v: int) -> None:
    """Take a vertex out, wherever it is; nothing happens where it is not queued."""
    first, last, after, before, where, _ = queue
    bucket = where[v]
    if bucket < 0:
        return
    if before[v] < 0:
        first[bucket] = after[v]
    else:
        after[before[v]] = after[v]
    if after[v] < 0:
        last[bucket] = before[v]
    else:
        before[after[v]] = before[v]
    where[v] = -1


@compiled
def dequeue(queue: Queue) -> int:
    """Take the vertex that is next; -1 where none is left."""
    first, lowest = queue[0], queue[5]
    while lowest[0] < len(first):
        v = int(first[lowest[0]])
        if v >= 0:
            remove(queue, v)
            return v
        lowest[0] += 1
    return -1
