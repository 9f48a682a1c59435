"""A box: integers only, and never voxels of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A half-open, axis-aligned region in voxels.

    Parameters
    ----------
    start, stop : tuple of int
        First voxel, and the voxel after the last one, per spatial axis.

    Examples
    --------
    >>> box = Box((0, 8), (4, 16))
    >>> box.shape, box.size
    ((4, 8), 32)
    >>> box.intersect(Box((2, 0), (9, 9)))
    Box(start=(2, 8), stop=(4, 9))
    """

    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels; never negative."""
        return tuple(max(0, b - a) for a, b in zip(self.start, self.stop, strict=True))

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box as an index into an array of the spatial axes."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    def intersect(self, other: Box) -> Box:
        """Return the common part of two boxes (its size is 0 where they do not meet)."""
        return Box(
            tuple(map(max, self.start, other.start)),
            tuple(map(min, self.stop, other.stop)),
        )

    def within(self, origin: tuple[int, ...]) -> Box:
        """Return the same box in coordinates that count from `origin`."""
        return Box(
            tuple(a - o for a, o in zip(self.start, origin, strict=True)),
            tuple(b - o for b, o in zip(self.stop, origin, strict=True)),
        )
