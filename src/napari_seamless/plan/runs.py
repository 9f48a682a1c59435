"""Positions and sizes along an axis as a few numbers, however many patches there are."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

StartRun = tuple[int, int, int]
"""First start, last start and count of patches that are spread evenly, in whole voxels rounded down."""

SizeRun = tuple[int, int]
"""Size and count of patches of one size."""


def runs_of_starts(starts: Sequence[int]) -> list[StartRun]:
    """Describe rising positions by runs: one or two for every border mode, more for positions by hand.

    Parameters
    ----------
    starts : sequence of int
        Positions that rise or stay.

    Returns
    -------
    list of (int, int, int)
        First position, last position and count of each run.

    Examples
    --------
    >>> runs_of_starts((0, 32, 64, 96, 100))
    [(0, 96, 4), (100, 100, 1)]
    >>> runs_of_starts((0, 3, 6, 10))
    [(0, 10, 4)]
    """
    for cut in (len(starts), len(starts) - 1):  # the last patch may lie out of step
        parts = [part for part in (starts[:cut], starts[cut:]) if part]
        runs = [(part[0], part[-1], len(part)) for part in parts]
        if all(_fits(run, part) for run, part in zip(runs, parts, strict=True)):
            return runs
    return _regular_runs(starts)


def starts_of_runs(runs: Sequence[StartRun]) -> tuple[int, ...]:
    """Return the positions that runs describe.

    Examples
    --------
    >>> starts_of_runs([(0, 10, 4), (12, 12, 1)])
    (0, 3, 6, 10, 12)
    """
    return tuple(itertools.chain.from_iterable(map(_spread, runs)))


def is_run(run: StartRun) -> bool:
    """Tell whether a run has no more positions than there are voxels from its first to its last one."""
    first, last, count = run
    return count == 1 if first == last else 2 <= count <= last - first + 1


def runs_of_sizes(sizes: Sequence[int]) -> list[SizeRun]:
    """Describe sizes by runs of one size.

    Examples
    --------
    >>> runs_of_sizes((64, 64, 64, 20))
    [(64, 3), (20, 1)]
    """
    return [(size, sum(1 for _ in group)) for size, group in itertools.groupby(sizes)]


def sizes_of_runs(runs: Sequence[SizeRun]) -> tuple[int, ...]:
    """Return the sizes that runs describe."""
    return tuple(itertools.chain.from_iterable((size,) * count for size, count in runs))


def _spread(run: StartRun) -> Sequence[int]:
    first, last, count = run
    gaps, span = max(count - 1, 1), last - first
    if span % gaps == 0 and span:
        return range(first, last + 1, span // gaps)
    return [first + i * span // gaps for i in range(count)]


def _fits(run: StartRun, starts: Sequence[int]) -> bool:
    return is_run(run) and all(a == b for a, b in zip(_spread(run), starts, strict=True))


def _regular_runs(starts: Sequence[int]) -> list[StartRun]:
    """Cut positions wherever their distance changes."""
    runs, first = [], 0
    while first < len(starts):
        last = first
        while last + 1 < len(starts) and _goes_on(starts, first, last):
            last += 1
        runs.append((starts[first], starts[last], last - first + 1))
        first = last + 1
    return runs


def _goes_on(starts: Sequence[int], first: int, last: int) -> bool:
    distance = starts[last + 1] - starts[last]
    return distance > 0 and (last == first or distance == starts[last] - starts[last - 1])
