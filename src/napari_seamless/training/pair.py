"""An image with its labels and, where a loss needs them, the distance maps of the labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import VolumeError
from napari_seamless.patches import PatchReader, volume_statistics
from napari_seamless.training.label_array import LabelArray
from napari_seamless.volume import cached, open_volume

if TYPE_CHECKING:
    from napari_seamless.patches.statistics import OnBlock
    from napari_seamless.types import Normalization, Volume

SPACING_TOLERANCE = 1e-3
"""Relative difference of two spacings that are the same."""

CACHE_BYTES = 2**28
"""Bytes of decoded chunks that all volumes of a training keep together, in each process that reads."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingPair:
    """An image and its labels; nothing but metadata is read before voxels are asked for.

    Parameters
    ----------
    image : Volume
        What the network sees.
    labels : LabelArray
        What it is to say; the image's shape.
    distances : Volume or None
        Signed distance maps of the whole volume, axes (c, \\*spatial).
    """

    image: Volume
    labels: LabelArray
    distances: Volume | None = None

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size per spatial axis, of the image."""
        return self.image.spacing

    def reader(self, normalization: Normalization, on_block: OnBlock | None = None) -> PatchReader:
        """Return what reads patches of the image, scaled by statistics of all of it, which are measured here."""
        statistics = volume_statistics(self.image, normalization, on_block=on_block)
        return PatchReader(self.image, normalization=normalization, statistics=statistics)

    def distance_reader(self) -> PatchReader | None:
        """Return what reads patches of the distance maps, None where there are none."""
        return None if self.distances is None else PatchReader(self.distances)


def cache_share(n_pairs: int) -> int:
    """Return the bytes of decoded chunks for each volume of so many pairs: image, labels and distance maps."""
    return CACHE_BYTES // max(1, 3 * n_pairs)


def open_pair(
    image: Any, labels: Any, distances: Any = None, *, ignore_label: int | None = None, cache_bytes: int = 0
) -> TrainingPair:
    r"""Open an image and its labels, and check that they belong together.

    Parameters
    ----------
    image, labels : Volume or anything that `open_volume` takes
        Equal spatial shapes. Labels are whole numbers; -1 stands where a voxel does not count.
    distances : Volume, array (map, \*spatial) or anything that `open_volume` takes, or None
        Distance maps of the whole volume, one for each class or for each class that a loss looks at.
    ignore_label : int or None
        Another label of voxels that do not count, for types without negative numbers.
    cache_bytes : int
        Decoded chunks that are kept, for each of the three.

    Raises
    ------
    VolumeError
        Shapes or spacings differ.

    Examples
    --------
    >>> pair = open_pair(np.zeros((4, 6), np.float32), np.zeros((4, 6), np.uint8))
    >>> pair.labels.shape
    (4, 6)
    """
    opened = open_volume(image)
    truth = open_volume(labels, missing_chunks="fill")  # labels are mostly background, which many writers leave out
    _check_shapes(opened, truth)
    _check_spacings(opened, truth)
    maps = None if distances is None else _open_maps(distances, opened)
    return TrainingPair(
        image=cached(opened, cache_bytes),
        labels=LabelArray(cached(truth, cache_bytes), ignore_label),
        distances=maps and cached(maps, cache_bytes),
    )


def _open_maps(distances: Any, image: Volume) -> Volume:
    is_array = isinstance(distances, np.ndarray) or not hasattr(distances, "axes")
    n_axes = len(getattr(distances, "shape", ()))
    axes = ("c", *image.spatial_axes) if is_array and n_axes == len(image.spatial_axes) + 1 else None
    maps = open_volume(distances, axes=axes)
    _check_shapes(image, maps)
    return maps


def _check_shapes(image: Volume, other: Volume) -> None:
    if image.spatial_shape != other.spatial_shape:
        raise VolumeError(
            f"{other.name} has {_times(other.spatial_shape)} voxels, but its image {image.name} has "
            f"{_times(image.spatial_shape)}; give labels and images in the same order, each with its own."
        )


def _check_spacings(image: Volume, labels: Volume) -> None:
    """Refuse two spacings that contradict each other; a spacing of 1 without a unit is none."""
    if any(all(s == 1 for s in v.spacing) and not any(v.units) for v in (image, labels)):
        return
    if not same_spacing(image.spacing, labels.spacing):
        raise VolumeError(
            f"{labels.name} has a spacing of {_times(labels.spacing)}, but its image {image.name} one of "
            f"{_times(image.spacing)}; correct the one that is wrong, for it decides distances."
        )


def same_spacing(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    """Return whether two spacings are the same up to rounding in a file.

    Examples
    --------
    >>> same_spacing((2.0, 1.0), (2.0001, 1.0)), same_spacing((2.0, 1.0), (1.0, 1.0))
    (True, False)
    """
    return all(math.isclose(a, b, rel_tol=SPACING_TOLERANCE) for a, b in zip(first, second, strict=True))


def _times(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:g}" for value in values)
