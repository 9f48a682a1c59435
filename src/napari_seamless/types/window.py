"""The weight that a voxel has inside its patch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from napari_seamless.errors import SettingsError
from napari_seamless.types.choices import one_of

WindowKind = Literal["gaussian", "constant", "hann", "triangle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A blending weight inside a patch.

    Parameters
    ----------
    kind : {"gaussian", "constant", "hann", "triangle", "array"}
        Shape of the weight; `from_array` makes an ``"array"``.
    sigma : float
        Standard deviation of the gaussian as a part of the patch size, > 0.
    floor : float
        Smallest weight of the gaussian, in (0, 1]: far corners keep a say where nothing else covers them.
    values : bytes
        The weights of an ``"array"``, float64 in C order; empty for every other kind.
    size : tuple of int
        Shape of `values`; empty for every other kind.
    """

    kind: WindowKind | Literal["array"] = "gaussian"
    sigma: float = 0.125
    floor: float = 1e-3
    values: bytes = field(default=b"", repr=False)
    size: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in {*get_args(WindowKind), "array"}:
            raise SettingsError(f"The window must be {one_of(WindowKind)}, got {self.kind!r}; try gaussian.")
        if (self.kind == "array") != bool(self.values) or len(self.values) != 8 * math.prod(self.size or (0,)):
            raise SettingsError("A window of given weights is made with Window.from_array; no other kind has values.")
        if not (self.sigma > 0 and 0 < self.floor <= 1):
            raise SettingsError(
                f"A window needs sigma above 0 and floor in (0, 1], got {self.sigma:g} and {self.floor:g}; "
                "try 0.125 and 0.001."
            )

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
