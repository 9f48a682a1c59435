"""Where patches lie along one axis."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Literal

BorderMode = Literal["squeeze", "edge", "adaptive", "crop", "pad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisGrid:
    """Where the patches lie along one axis.

    Parameters
    ----------
    length : int
        Voxels of the volume along this axis.
    starts, sizes : tuple of int
        First voxel and length of each patch; both the starts and the ends rise strictly or stay. Patches of the border
        mode ``pad`` may begin below 0 and end above `length`, and share a voxel with the volume all the same.
    """

    length: int
    starts: tuple[int, ...]
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        """Return the number of patches along this axis."""
        return len(self.starts)

    @property
    def pad_width(self) -> tuple[int, int]:
        """Voxels that patches reach beyond the volume, before its first voxel and after its last one."""
        return max(0, -self.starts[0]), max(0, self.interval(len(self) - 1)[1] - self.length)

    def interval(self, index: int) -> tuple[int, int]:
        """Return first voxel and the voxel after the last one of a patch."""
        return self.starts[index], self.starts[index] + self.sizes[index]

    def touching(self, lo: int, hi: int) -> range:
        """Return the indices of the patches that share a voxel with ``[lo, hi)``."""
        first = bisect_right(range(len(self)), lo, key=lambda i: self.interval(i)[1])
        return range(first, max(first, bisect_left(self.starts, hi)) if lo < hi else first)
