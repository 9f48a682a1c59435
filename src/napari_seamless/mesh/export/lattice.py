"""The grid of a level of detail: whole numbers for positions, cells, and the planes that triangles are cut at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """Positions as whole steps, `steps` of which make a cell, and planes between cells.

    A cell of a coarse level is also halved along each axis, at the step in its middle: the eight parts are those that
    cells of the next finer level replace.

    Parameters
    ----------
    origin, cell : numpy.ndarray
        (3,) float64: corner of the grid and size of a cell along x, y, z.
    bits : int
        Bits of a position within a cell: 10 or 16.
    halved : bool
        Whether cells are halved.
    """

    origin: Array
    cell: Array
    bits: int
    halved: bool

    @property
    def steps(self) -> int:
        """Steps from one side of a cell to the other; both sides are positions of the cell."""
        return int((1 << self.bits) - 1)

    @property
    def middle(self) -> int:
        """The step at which a cell is halved, as readers of the format have it."""
        return int(1 << (self.bits - 1))

    def quantise(self, positions: Array) -> Array:
        """Return (vertex, 3) int64: the steps that are nearest to positions, from the corner of the grid."""
        return np.rint((positions - self.origin) / self.cell * self.steps).astype(np.int64)

    def plane(self, number: Array) -> Array:
        """Return the step at which each plane lies, by its number along an axis."""
        if not self.halved:
            return number * self.steps
        return (number >> 1) * self.steps + (number & 1) * self.middle

    def slab(self, steps: Array) -> Array:
        """Return the number of the last plane at or before each step."""
        cell, within = np.divmod(steps, self.steps)
        return 2 * cell + (within >= self.middle) if self.halved else cell
