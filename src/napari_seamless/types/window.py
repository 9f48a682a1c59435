"""The weight that a voxel has inside its patch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from napari_seamless.errors import SettingsError
from napari_seamless.types.choices import one_of

WindowKind = Literal["gaussian", "constant", "hann", "triangle"]

WINDOW_SUFFIX = ".safetensors"
"""End of the name of a file that holds a window; it tells such a name from that of a kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A blending weight inside a patch.

    Parameters
    ----------
    kind : {"gaussian", "constant", "hann", "triangle", "array", "factors"}
        Shape of the weight; `from_array` makes an ``"array"``, `from_factors` makes ``"factors"``.
    sigma : float
        Standard deviation of the gaussian as a part of the patch size, > 0.
    floor : float
        Smallest weight of the gaussian, in (0, 1]: far corners keep a say where nothing else covers them.
    values : bytes
        The weights of an ``"array"``, float64 in C order, or those of ``"factors"``, one axis after the other; empty
        for every other kind.
    size : tuple of int
        Patch size that given weights are for; empty for every other kind.
    """

    kind: WindowKind | Literal["array", "factors"] = "gaussian"
    sigma: float = 0.125
    floor: float = 1e-3
    values: bytes = field(default=b"", repr=False)
    size: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in {*get_args(WindowKind), "array", "factors"}:
            raise SettingsError(f"The window must be {one_of(WindowKind)}, got {self.kind!r}; try gaussian.")
        n = sum(self.size) if self.kind == "factors" else math.prod(self.size or (0,))
        if self.is_given != bool(self.values) or len(self.values) != 8 * n:
            raise SettingsError(
                "A window of given weights is made with Window.from_array or Window.from_factors; no other kind has "
                "values."
            )
        if not (self.sigma > 0 and 0 < self.floor <= 1):
            raise SettingsError(
                f"A window needs sigma above 0 and floor in (0, 1], got {self.sigma:g} and {self.floor:g}; "
                "try 0.125 and 0.001."
            )

    @property
    def is_given(self) -> bool:
        """Whether the weights are given, and so for patches of one size alone."""
        return self.kind in {"array", "factors"}

    @property
    def factors(self) -> tuple[np.ndarray[Any, np.dtype[np.float64]], ...]:
        """The factor of each axis, float64; empty for every other kind than ``"factors"``."""
        if self.kind != "factors":
            return ()
        return tuple(np.split(np.frombuffer(self.values), np.cumsum(self.size[:-1])))

    @classmethod
    def from_array(cls, weights: Any) -> Window:
        """Make a window of given weights.

        Parameters
        ----------
        weights : array-like
            One finite weight above 0 for each voxel of a patch; no smaller patches exist beside them.

        Raises
        ------
        SettingsError
            A weight is zero, negative or not finite, so that a voxel that only one patch covers would be lost.

        Examples
        --------
        >>> window = Window.from_array([[1, 2], [2, 4]])
        >>> window.kind, window.size
        ('array', (2, 2))
        """
        values = np.ascontiguousarray(weights, dtype=np.float64)
        if values.size == 0 or not (np.isfinite(values).all() and values.min() > 0):
            raise SettingsError(
                "A window needs finite weights above 0 at every voxel of a patch, got other values; "
                "raise the smallest ones to 0.001 times the largest."
            )
        return cls(kind="array", values=values.tobytes(), size=values.shape)

    @classmethod
    def from_factors(cls, *factors: Any) -> Window:
        """Make a window whose weights are the product of one factor for each axis.

        A few numbers describe it, and sums of its weights cost as little as those of the windows by name.

        Parameters
        ----------
        *factors : array-like
            For each spatial axis one finite number above 0 for each voxel along it.

        Raises
        ------
        SettingsError
            A factor is not a row of such numbers.

        Examples
        --------
        >>> window = Window.from_factors([1, 2, 1], [1, 1])
        >>> window.kind, window.size
        ('factors', (3, 2))
        """
        rows = [np.asarray(factor, dtype=np.float64) for factor in factors]
        if not rows or any(row.ndim != 1 or row.size == 0 for row in rows):
            raise SettingsError("Factors of a window need one row of numbers for each spatial axis, got other shapes.")
        values = np.concatenate(rows)
        if not (np.isfinite(values).all() and values.min() > 0):
            raise SettingsError(
                "Factors of a window need finite numbers above 0, got other values; raise the smallest ones to 0.1 "
                "times the largest."
            )
        return cls(kind="factors", values=values.tobytes(), size=tuple(row.size for row in rows))
