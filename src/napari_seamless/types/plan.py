"""The geometry of a run."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_seamless.types.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.types.grid import AxisGrid, BorderMode
    from napari_seamless.types.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The geometry of a run as data: integers, no voxels.

    Parameters
    ----------
    axes : tuple of str
        Names of the spatial axes.
    grids : tuple of AxisGrid
        One per spatial axis; the patches are their Cartesian product in raster order.
    patch_size : tuple of int
        Nominal patch size; `adaptive` grids may hold smaller patches.
    step : tuple of int
        Nominal distance between patch origins.
    border : str
        The border mode that made the grids.
    window : Window
        The blending weight.
    chunk : tuple of int
        Output chunk in voxels: what is written once.
    batch_size : int
        Patches per forward pass.
    region : Box or None
        The part of the volume that the output holds; None for all of it. The grid stays that of the whole volume, so
        that a region holds what a run over everything would put there.
    """

    axes: tuple[str, ...]
    grids: tuple[AxisGrid, ...]
    patch_size: tuple[int, ...]
    step: tuple[int, ...]
    border: BorderMode
    window: Window
    chunk: tuple[int, ...]
    batch_size: int = 1
    region: Box | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of the volume per spatial axis."""
        return tuple(grid.length for grid in self.grids)

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """Patches per spatial axis."""
        return tuple(len(grid) for grid in self.grids)

    @property
    def output_box(self) -> Box:
        """The part of the volume that the output holds."""
        return self.region or Box((0,) * len(self.grids), self.shape)

    @property
    def n_patches(self) -> int:
        """Patches to evaluate: those that share a voxel with the output."""
        if self.region is None:
            return math.prod(self.grid_shape)
        return math.prod(len(indices) for indices in self.touching(self.region))

    @property
    def chunk_grid(self) -> tuple[int, ...]:
        """Output chunks per spatial axis."""
        return tuple(-(-n // c) for n, c in zip(self.output_box.shape, self.chunk, strict=True))

    @property
    def evaluations_per_voxel(self) -> float:
        """Mean number of patches that cover a voxel of the output."""
        box = self.output_box
        covered = (
            sum(min(b, hi) - max(a, lo) for a, b in map(grid.interval, grid.touching(lo, hi)))
            for grid, lo, hi in zip(self.grids, box.start, box.stop, strict=True)
        )
        return math.prod(covered) / box.size

    @property
    def pad_width(self) -> tuple[tuple[int, int], ...]:
        """Voxels that patches reach beyond the volume, before and after it, per spatial axis."""
        return tuple(grid.pad_width for grid in self.grids)

    def patch_box(self, index: tuple[int, ...]) -> Box:
        """Return where the patch with this index (per axis) lies."""
        intervals = [grid.interval(i) for grid, i in zip(self.grids, index, strict=True)]
        return Box(tuple(a for a, _ in intervals), tuple(b for _, b in intervals))

    def chunk_box(self, index: tuple[int, ...]) -> Box:
        """Return the voxels of the volume under the output chunk with this index, cut at the output's end."""
        output = self.output_box
        start = tuple(o + i * c for o, i, c in zip(output.start, index, self.chunk, strict=True))
        stop = tuple(min(a + c, n) for a, c, n in zip(start, self.chunk, output.stop, strict=True))
        return Box(start, stop)

    def touching(self, box: Box) -> tuple[range, ...]:
        """Return the patch indices per axis whose patches share a voxel with `box`."""
        return tuple(grid.touching(a, b) for grid, a, b in zip(self.grids, box.start, box.stop, strict=True))

    def chunks_along(self, axis: int, lo: int, hi: int) -> range:
        """Return the indices along an axis of the output chunks that share a voxel with ``[lo, hi)``."""
        output, chunk = self.output_box, self.chunk[axis]
        first, last = output.start[axis], output.stop[axis]
        lo, hi = max(lo, first), min(hi, last)
        return range((lo - first) // chunk, -((first - hi) // chunk)) if lo < hi else range(0)

    def chunks_touching(self, box: Box) -> Iterator[tuple[int, ...]]:
        """Yield the indices of the output chunks that share a voxel with `box`, in raster order."""
        spans = enumerate(zip(box.start, box.stop, strict=True))
        return itertools.product(*(self.chunks_along(axis, a, b) for axis, (a, b) in spans))
