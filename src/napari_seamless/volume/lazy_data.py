"""What every lazy array of this room offers beside its voxels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_seamless.types import ArrayLike


class LazyData(ABC):
    """An array that reads what the brackets name; a subclass says its shape and type, and reads.

    Attributes
    ----------
    label : str
        How messages name it.
    """

    label = "array"

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Type of an element."""

    @abstractmethod
    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        """Read the voxels that integers and slices name."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label} shape={self.shape} dtype={self.dtype}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.asarray(self[...], dtype=dtype)


class LazyWrapper(LazyData):
    """An array that shows another one otherwise, and tells what was missing or damaged in that one.

    Parameters
    ----------
    base : ArrayLike
        The array behind this one.
    """

    def __init__(self, base: ArrayLike) -> None:
        self.base = base
        self.label = str(getattr(base, "label", self.label))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of an element."""
        dtype: np.dtype[Any] = np.dtype(self.base.dtype)
        return dtype

    @property
    def missing_chunks(self) -> tuple[tuple[int, ...], ...]:
        """What the array behind this one has missed so far, in its own axes."""
        return tuple(getattr(self.base, "missing_chunks", ()))

    @property
    def damaged_chunks(self) -> tuple[tuple[int, ...], ...]:
        """What the array behind this one could not decode so far, in its own axes."""
        return tuple(getattr(self.base, "damaged_chunks", ()))
