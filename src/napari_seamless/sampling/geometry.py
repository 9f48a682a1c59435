"""What a sampler and an aggregator agree on: sizes, mode, and where the patches lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import GeometryError
from napari_seamless.sampling.modes import SamplingMode, place_patches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types import AxisGrid

Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Sizes in voxels per spatial axis, checked against each other.

    Parameters
    ----------
    spatial, patch, step : tuple of int
        Size of the image and of a patch, and the distance between the origins of patches.
    chunk : tuple of int or None
        What is finished and written at once.
    mode : SamplingMode
        What happens where the patches do not fit the image.

    Raises
    ------
    GeometryError
        The sizes do not fit each other.
    """

    spatial: Sizes
    patch: Sizes
    step: Sizes
    chunk: Sizes | None
    mode: SamplingMode

    def __post_init__(self) -> None:
        if not isinstance(self.mode, SamplingMode):
            raise GeometryError(f"mode must be a SamplingMode, got {self.mode!r}; try SamplingMode.SAMPLE_SQUEEZE.")
        for name in ("spatial", "patch", "step", "chunk"):
            self._check_positive(f"{name}_size", getattr(self, name))
        if not self.mode.pads and _exceeds(self.patch, self.spatial):
            raise GeometryError(
                f"patch_size {self.patch} must not exceed spatial_size {self.spatial} along any axis; "
                "choose smaller patches or SamplingMode.PAD_END."
            )
        if _exceeds(self.step, self.patch):
            raise GeometryError(
                f"step_size {self.step} must not exceed patch_size {self.patch} along any axis, or voxels between "
                "patches would be lost; choose a smaller step."
            )
        if self.chunk is not None and (_exceeds(self.chunk, self.spatial) or not _exceeds_all(self.chunk, self.patch)):
            raise GeometryError(
                f"chunk_size {self.chunk} must exceed patch_size {self.patch} and not spatial_size {self.spatial} "
                "along every axis; choose another chunk size, or None."
            )

    @property
    def grids(self) -> tuple[AxisGrid, ...]:
        """Where the patches lie along each axis."""
        axes = zip(self.spatial, self.patch, self.step, strict=True)
        return tuple(place_patches(*sizes, self.mode) for sizes in axes)

    def _check_positive(self, name: str, sizes: Sizes | None) -> None:
        if sizes is None:
            return
        if len(sizes) != len(self.spatial):
            raise GeometryError(
                f"{name} needs one value for each of the {len(self.spatial)} axes of spatial_size, got {sizes}."
            )
        if not sizes or min(sizes) < 1:
            raise GeometryError(f"{name} must be at least 1 along every axis, got {sizes}.")


def sizes_of(name: str, values: Any, like: Sequence[int] | None = None) -> Sizes:
    """Turn sizes into integers; one number stands for every axis of `like`.

    Raises
    ------
    GeometryError
        They are not whole numbers.
    """
    array = np.asarray(values)
    if array.ndim == 0 and like is not None:
        array = np.repeat(array, len(like))
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.number) or (array != np.floor(array)).any():
        raise GeometryError(f"{name} must be whole numbers of voxels, one for each spatial axis, got {values!r}.")
    return tuple(int(value) for value in array)


def _exceeds(sizes: Sizes, limits: Sizes) -> bool:
    return any(a > b for a, b in zip(sizes, limits, strict=True))


def _exceeds_all(sizes: Sizes, limits: Sizes) -> bool:
    return all(a > b for a, b in zip(sizes, limits, strict=True))
