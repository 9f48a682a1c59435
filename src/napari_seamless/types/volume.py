"""A volume: a lazy array with the names, sizes and places of its axes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

NON_SPATIAL_AXES = frozenset({"b", "c", "t"})
"""Axis names that are not space: batch, channel, time. Every other axis name is spatial."""


@runtime_checkable
class ArrayLike(Protocol):
    """What a lazy array must offer: a shape, a dtype, and slicing that reads only what it names."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels."""
        ...

    @property
    def dtype(self) -> Any:
        """Type of an element."""
        ...

    def __getitem__(self, key: Any, /) -> Any:
        """Read the part of the array that the slices name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """One pyramid level of a volume.

    Parameters
    ----------
    data : ArrayLike
        Lazy array with the volume's axes.
    spacing, translation : tuple of float
        Voxel size and position of the first voxel's centre per spatial axis, in the volume's units.
    """

    data: ArrayLike
    spacing: tuple[float, ...]
    translation: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Volume:
    """A lazy N-d array with named axes, spacing, units, translation and pyramid levels.

    Parameters
    ----------
    name : str
        Short name for layers and messages.
    axes : tuple of str
        One name per array axis; ``c``, ``t`` and ``b`` are not spatial, all others are.
    levels : tuple of Level
        Finest first; at least one.
    units : tuple of str or None
        Unit of each spatial axis (``"micrometer"``, ``"millimeter"``, ...), None where unknown.
    source : str or None
        Where it was opened from; None for arrays in memory.
    channels : tuple of str
        Names along the channel axis; empty where there is none or they are unknown.
    affine : numpy.ndarray or None
        (4, 4) float64 matrix from voxel (z, y, x, 1) to world (x, y, z, 1) where the format knows an orientation.
    is_labels : bool
        Whether the source says that its values are labels.
    label_names : mapping of int to str
        Class names by label value where the source has them.
    """

    name: str
    axes: tuple[str, ...]
    levels: tuple[Level, ...]
    units: tuple[str | None, ...]
    source: str | None = None
    channels: tuple[str, ...] = ()
    affine: np.ndarray[Any, np.dtype[np.float64]] | None = None
    is_labels: bool = False
    label_names: Mapping[int, str] = field(default_factory=dict)

    @property
    def data(self) -> ArrayLike:
        """The lazy array of the finest level."""
        return self.levels[0].data

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis of the finest level."""
        return tuple(int(n) for n in self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        dtype: np.dtype[Any] = np.dtype(self.data.dtype)
        return dtype

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size per spatial axis of the finest level, in `units`."""
        return self.levels[0].spacing

    @property
    def translation(self) -> tuple[float, ...]:
        """Position of the first voxel's centre per spatial axis, in `units`."""
        return self.levels[0].translation

    @property
    def spatial_axes(self) -> tuple[str, ...]:
        """Names of the spatial axes in array order."""
        return tuple(a for a in self.axes if a not in NON_SPATIAL_AXES)

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """Length of each spatial axis in voxels."""
        return tuple(n for a, n in zip(self.axes, self.shape, strict=True) if a not in NON_SPATIAL_AXES)

    @property
    def n_channels(self) -> int:
        """Length of the channel axis; 1 where there is none."""
        return self.shape[self.axes.index("c")] if "c" in self.axes else 1
