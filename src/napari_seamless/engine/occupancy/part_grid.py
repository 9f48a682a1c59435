"""Which part of a volume answers which voxel."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_seamless.engine.occupancy.parts import Part
    from napari_seamless.types import Box


@dataclass(frozen=True, slots=True)
class PartGrid:
    """Parts in raster order, found without asking each of them.

    Parameters
    ----------
    starts : tuple of tuple of int
        First voxel owned by the parts along each axis, rising from 0.

    Examples
    --------
    >>> grid = PartGrid(((0, 10), (0,), (0, 5, 9)))
    >>> grid.owners(torch.tensor([[3, 0, 6], [12, 0, 40], [-1, 0, 0]])).tolist()
    [1, 5, 0]
    """

    starts: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> PartGrid:
        """Find the grid of parts that fill a volume."""
        z, y, x = (tuple(sorted({part.owned.start[axis] for part in parts})) for axis in range(3))
        return cls((z, y, x))

    def owners(self, voxels: torch.Tensor) -> torch.Tensor:
        """Return (n,) the part that answers each of (n, 3) int64 voxels; beyond the volume that of the nearest."""
        owner = torch.zeros(len(voxels), dtype=torch.int64, device=voxels.device)
        for axis, starts in enumerate(self.starts):
            first = torch.tensor(starts[1:], dtype=torch.int64, device=voxels.device)
            owner = owner * len(starts) + torch.bucketize(voxels[:, axis].contiguous(), first, right=True)
        return owner

    def groups(self, voxels: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield the number of each part that answers some of the voxels, and which."""
        ordered, order = self.owners(voxels).sort(stable=True)
        numbers, counts = torch.unique_consecutive(ordered, return_counts=True)
        yield from zip(numbers.tolist(), torch.split(order, counts.tolist()), strict=True)

    def within(self, box: Box) -> list[int]:
        """Return the numbers of the parts that own voxels of a box, which may be empty."""
        sizes = [len(starts) for starts in self.starts]
        along = []
        for starts, low, high in zip(self.starts, box.start, box.stop, strict=True):
            ends = (*starts[1:], math.inf)
            along.append([i for i, (a, b) in enumerate(zip(starts, ends, strict=True)) if a < high and b > low])
        return [(z * sizes[1] + y) * sizes[2] + x for z, y, x in itertools.product(*along)]
