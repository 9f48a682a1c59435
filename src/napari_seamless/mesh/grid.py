"""Raster indices of voxels, which are part of the key of a face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_seamless.errors import VolumeError

Array = np.ndarray[Any, Any]

_MOST_VOXELS = 2**44


@dataclass(frozen=True, slots=True)
class Grid:
    """The voxels of a volume, with one more on each side for the faces at its border.

    Parameters
    ----------
    shape : tuple of int
        Voxels of the volume along its three axes.

    Raises
    ------
    VolumeError
        There are more than 2^44 voxels.

    Examples
    --------
    >>> Grid((4, 5, 6)).index((0, 0, 0))
    65
    """

    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        if math.prod(n + 2 for n in self.shape) >= _MOST_VOXELS:
            raise VolumeError(
                f"Meshes are made of volumes of up to 2^44 voxels, got {' x '.join(map(str, self.shape))}; "
                "take a coarser level of its pyramid, or a region."
            )

    @property
    def strides(self) -> Array:
        """(3,) int64: what one voxel along each axis adds to the raster index."""
        return np.array([(self.shape[1] + 2) * (self.shape[2] + 2), self.shape[2] + 2, 1], np.int64)

    def index(self, place: tuple[int, ...]) -> int:
        """Return the raster index of a voxel, which may lie beyond the volume."""
        return int(sum(int(s) * (i + 1) for s, i in zip(self.strides, place, strict=True)))

    def at_border(self, keys: Array) -> Array:
        """Return whether each face lies between the volume and what is beyond; keys (face,) int64, bool (face,)."""
        place = keys >> 19
        axis = (keys >> 17) & 3
        along = place // self.strides[axis] % np.array([n + 2 for n in self.shape])[axis]
        there: Array = (along == 0) | (along == np.array(self.shape)[axis])
        return there
