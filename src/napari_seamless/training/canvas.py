"""What is painted on: the geometry of a volume and the names of the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types import Volume

_CHUNK = {1: 65536, 2: 256, 3: 64}
"""Voxels of a chunk per axis, by number of axes: a brush stroke meets few, and one is written in a millisecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """Geometry and classes of corrections.

    Parameters
    ----------
    shape : tuple of int
        Voxels along each spatial axis.
    axes : tuple of str
        Name of each axis.
    spacing : tuple of float
        Voxel size along each axis, in `units`.
    units : tuple of str or None
        Unit of each axis, None where unknown.
    classes : tuple of str
        Names of the classes; the class with index k is painted as k + 1. Empty where they are not known, which
        allows every value.

    Raises
    ------
    SettingsError
        An axis has no voxels, fields differ in length, or a class is named twice.

    Examples
    --------
    >>> canvas = Canvas(shape=(40, 30), axes=("y", "x"), spacing=(1.0, 1.0), classes=("background", "cell"))
    >>> canvas.dtype, canvas.chunk
    (dtype('uint8'), (40, 30))
    """

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    spacing: tuple[float, ...]
    units: tuple[str | None, ...] = ()
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.shape)
        if not n or min(self.shape) < 1 or len(self.axes) != n or len(self.spacing) != n:
            raise SettingsError(
                "a canvas needs a positive length, a name and a spacing for each axis, got the shape "
                f"{self.shape}, the axes {self.axes} and the spacing {self.spacing}."
            )
        if len(set(self.classes)) != len(self.classes):
            raise SettingsError(f"classes must name each class once, got {', '.join(self.classes)}.")

    @classmethod
    def of(cls, volume: Volume, classes: Sequence[str] = ()) -> Self:
        """Return the canvas over the spatial axes of a volume's finest level."""
        return cls(
            shape=volume.spatial_shape,
            axes=volume.spatial_axes,
            spacing=volume.spacing,
            units=volume.units,
            classes=tuple(classes),
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest unsigned type that holds every class."""
        return np.dtype(np.uint8 if len(self.classes) < 2**8 else np.uint16)

    @property
    def chunk(self) -> tuple[int, ...]:
        """Voxels of a chunk along each axis."""
        edge = _CHUNK.get(len(self.shape), 32)
        return tuple(min(edge, n) for n in self.shape)

    def attributes(self) -> dict[str, Any]:
        """Return what the stored array says about itself beside its shape and axes."""
        return {"spacing": list(self.spacing), "units": list(self.units), "classes": list(self.classes)}
