"""What a signed distance is measured to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Convention = Literal["published", "exact"]
"""`Measure` says what they mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How signed distances are measured; lengths are in the unit of the spacing.

    Parameters
    ----------
    spacing : tuple of float
        Voxel size per axis.
    convention : {"published", "exact"}
        published: outside a class, the distance between the voxel's centre and the nearest centre of a voxel of the
        class; inside, minus (the distance to the nearest centre of a voxel of another class, less 1). exact: the
        distance between the voxel's centre and the nearest point of the interface, which is all faces between a voxel
        of the class and one of another class; negative inside. The border of the array is no interface.
    limit : float
        Distances are cut at this value on both sides; infinite: never.
    """

    spacing: tuple[float, ...]
    convention: Convention = "published"
    limit: float = math.inf

    @property
    def unit(self) -> float:
        """Length that squares are measured in: with equal voxel sizes they are whole numbers, which float32 holds."""
        return min(self.spacing)

    @property
    def steps(self) -> tuple[float, ...]:
        """Voxel size per axis in units."""
        return tuple(size / self.unit for size in self.spacing)

    @property
    def gap(self) -> float:
        """Part of a voxel between its centre and what is measured to."""
        return 0.5 if self.convention == "exact" else 0.0

    @property
    def shift(self) -> float:
        """Length that is added inside."""
        return 0.0 if self.convention == "exact" else 1.0

    @property
    def reach(self) -> tuple[int, ...]:
        """Voxels per axis beyond which nothing changes a distance that is cut at the limit."""
        return tuple(math.ceil((self.limit + self.shift) / size) + 1 for size in self.spacing)
