"""The geometry of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_seamless.types.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.types.grid import AxisGrid, BorderMode
    from napari_seamless.types.window import Window


def _outside(grid: AxisGrid) -> Iterator[int]:
    """Yield the voxels of each patch that lie beyond the volume."""
    for i in range(len(grid)):
        a, b = grid.interval(i)
        yield max(0, -a) + max(0, b - grid.length)


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
        Patches per forward pass; batches never cross a row of the slowest axis.
    """

    axes: tuple[str, ...]
    grids: tuple[AxisGrid, ...]
    patch_size: tuple[int, ...]
    step: tuple[int, ...]
    border: BorderMode
    window: Window
    chunk: tuple[int, ...]
    batch_size: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of the volume per spatial axis."""
        return tuple(grid.length for grid in self.grids)

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """Patches per spatial axis."""
        return tuple(len(grid) for grid in self.grids)

    @property
    def n_patches(self) -> int:
        """Patches in the whole plan."""
        return math.prod(self.grid_shape)

    @property
    def chunk_grid(self) -> tuple[int, ...]:
        """Output chunks per spatial axis."""
        return tuple(-(-n // c) for n, c in zip(self.shape, self.chunk, strict=True))

    @property
    def evaluations_per_voxel(self) -> float:
        """Mean number of patches that cover a voxel of the volume."""
        covered = (sum(grid.sizes) - sum(_outside(grid)) for grid in self.grids)
        return math.prod(covered) / math.prod(self.shape)

    @property
    def pad_width(self) -> tuple[tuple[int, int], ...]:
        """Voxels that patches reach beyond the volume, before and after it, per spatial axis."""
        return tuple(grid.pad_width for grid in self.grids)

    def patch_box(self, index: tuple[int, ...]) -> Box:
        """Return where the patch with this index (per axis) lies."""
        intervals = [grid.interval(i) for grid, i in zip(self.grids, index, strict=True)]
        return Box(tuple(a for a, _ in intervals), tuple(b for _, b in intervals))

    def chunk_box(self, index: tuple[int, ...]) -> Box:
        """Return the voxels of the output chunk with this index, cut at the volume's end."""
        start = tuple(i * c for i, c in zip(index, self.chunk, strict=True))
        stop = tuple(min(a + c, n) for a, c, n in zip(start, self.chunk, self.shape, strict=True))
        return Box(start, stop)

    def touching(self, box: Box) -> tuple[range, ...]:
        """Return the patch indices per axis whose patches share a voxel with `box`."""
        return tuple(grid.touching(a, b) for grid, a, b in zip(self.grids, box.start, box.stop, strict=True))

    def chunks_touching(self, box: Box) -> Iterator[tuple[int, ...]]:
        """Yield the indices of the output chunks that share a voxel with `box`, in raster order."""
        ranges = [
            range(max(a, 0) // c, -(-min(b, n) // c))
            for a, b, c, n in zip(box.start, box.stop, self.chunk, self.shape, strict=True)
        ]
        shape = tuple(len(r) for r in ranges)
        for offset in np.ndindex(*shape):
            yield tuple(r[i] for r, i in zip(ranges, offset, strict=True))
