"""Every so manieth voxel of a box: all of them for a result, fewer for a quick preview."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_seamless.blend.tiles import tile_cuts
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.types import Plan

Touch = tuple[tuple[int, int], slice, slice, slice]
"""Along an axis: the interval of a patch, and its voxels among the samples, in its prediction and in the patch."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """Voxels of a box, from its first one on.

    Parameters
    ----------
    box : Box
        In voxels of the volume.
    every : int
        Distance of the samples along each axis; 1 takes every voxel.

    Examples
    --------
    >>> Sampled(Box((0, 8), (10, 16)), 4).shape
    (3, 2)
    """

    box: Box
    every: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the number of samples along each axis."""
        return tuple(-(-n // self.every) for n in self.box.shape)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The samples as an index into an array of the box."""
        return (slice(None, None, self.every),) * len(self.box.shape)

    def tiles(self) -> Iterator[tuple[tuple[slice, ...], Sampled]]:
        """Yield parts that a processor's cache holds: where they are among the samples, and they themselves."""
        thick = max(1, sum(n > 1 for n in self.shape))
        cuts = [itertools.pairwise(tile_cuts(n, thick)) if n > 1 else [(0, 1)] for n in self.shape]
        for intervals in itertools.product(*cuts):
            start = tuple(s + a * self.every for s, (a, _) in zip(self.box.start, intervals, strict=True))
            stop = tuple(s + b * self.every for s, (_, b) in zip(self.box.start, intervals, strict=True))
            here = Box(start, tuple(map(min, stop, self.box.stop)))
            yield tuple(slice(a, b) for a, b in intervals), Sampled(here, self.every)

    def touches(self, plan: Plan, region: Box) -> Iterator[tuple[Box, tuple[Touch, ...]]]:
        """Yield the patches of a plan that hold a sample, in raster order, and which samples those are.

        Parameters
        ----------
        plan : Plan
            Geometry of the patches.
        region : Box
            What predictions are cut to.
        """
        for touches in itertools.product(*self._along(plan, region)):
            yield Box(tuple([t[0][0] for t in touches]), tuple([t[0][1] for t in touches])), touches

    def _along(self, plan: Plan, region: Box) -> Iterator[list[Touch]]:
        every = self.every
        for grid, lo, hi, first in zip(plan.grids, self.box.start, self.box.stop, region.start, strict=True):
            touches = []
            for a, b in map(grid.interval, grid.touching(lo, hi)):
                before, held = -(-(max(a, lo) - lo) // every), max(a, first)
                f, t = lo + before * every, min(b, hi)
                if f < t:
                    samples = slice(before, -(-(t - lo) // every))
                    touches.append(
                        ((a, b), samples, slice(f - held, t - held, every), slice(f - a, t - a, every)),
                    )
            yield touches
