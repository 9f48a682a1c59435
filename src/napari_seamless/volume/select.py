"""Lazy choices in a volume: one index of an axis that is not spatial, another answer to bad chunks."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import AxesError
from napari_seamless.types import NON_SPATIAL_AXES, ArrayLike, Level, Volume
from napari_seamless.volume.cached import CachedData
from napari_seamless.volume.lazy_data import LazyWrapper
from napari_seamless.volume.slicing import full_key
from napari_seamless.volume.zarr_data import ZarrData

if TYPE_CHECKING:
    from napari_seamless.volume.found import DamagedChunks, MissingChunks


class SelectedData(LazyWrapper):
    """A lazy array with one index chosen along one axis.

    Parameters
    ----------
    base : ArrayLike
        What is read.
    axis, index : int
        Which axis is dropped and where, both not negative.
    """

    def __init__(self, base: ArrayLike, axis: int, index: int) -> None:
        super().__init__(base)
        self.axis = axis
        self.index = index

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis that is left."""
        return tuple(n for i, n in enumerate(self.base.shape) if i != self.axis)

    @property
    def chunks(self) -> tuple[Any, ...]:
        """Voxels per axis that the array behind this one decodes at once; empty where it is not chunked."""
        return self._left(getattr(self.base, "chunks", None) or ())

    @property
    def stored_chunks(self) -> tuple[Any, ...]:
        """Voxels per axis that the array behind this one stores together; empty where it is not chunked."""
        return self._left(getattr(self.base, "stored_chunks", None) or getattr(self.base, "chunks", None) or ())

    def with_policy(
        self, missing_chunks: MissingChunks | None = None, damaged_chunks: DamagedChunks | None = None
    ) -> SelectedData:
        """Return the same choice with another answer to missing or damaged chunks; None keeps the answer."""
        return SelectedData(with_policy(self.base, missing_chunks, damaged_chunks), self.axis, self.index)

    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        entries = full_key(key, len(self.shape))
        return np.asarray(self.base[(*entries[: self.axis], self.index, *entries[self.axis :])])

    def _left(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(value for i, value in enumerate(values) if i != self.axis)


def at(volume: Volume, **indices: int) -> Volume:
    """Choose one index along axes that are not spatial, and drop them; nothing is read.

    Parameters
    ----------
    volume : Volume
        What is chosen from.
    **indices : int
        Index by axis name (``t``, ``b`` or ``c``); negative ones count from the end.

    Raises
    ------
    AxesError
        The volume has no such axis, the axis is spatial, or the index is outside it.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_seamless.volume import open_volume
    >>> at(open_volume(np.zeros((5, 4, 8, 8)), axes="tzyx"), t=-1).shape
    (4, 8, 8)
    """
    for axis, index in indices.items():
        volume = _at(volume, axis, index)
    return volume


def _at(volume: Volume, axis: str, index: int) -> Volume:
    if axis not in volume.axes or axis not in NON_SPATIAL_AXES:
        others = ", ".join(a for a in volume.axes if a in NON_SPATIAL_AXES) or "none"
        raise AxesError(f"{volume.name} has no axis {axis!r} to choose along; axes that are not spatial: {others}.")
    where = volume.axes.index(axis)
    n = volume.shape[where]
    if not -n <= index < n:
        raise AxesError(f"{axis}={index} is outside {volume.name}, whose axis {axis} has length {n}.")
    levels = tuple(
        Level(data=SelectedData(lv.data, where, index % n), spacing=lv.spacing, translation=lv.translation)
        for lv in volume.levels
    )
    axes = tuple(a for a in volume.axes if a != axis)
    return dataclasses.replace(volume, axes=axes, levels=levels, channels=() if axis == "c" else volume.channels)


def with_chunk_policy(
    volume: Volume, missing_chunks: MissingChunks | None = None, damaged_chunks: DamagedChunks | None = None
) -> Volume:
    """Return the same volume with another answer to missing or damaged chunks; None keeps the answer.

    Volumes that are not read from zarr have no chunks to miss and stay as they are; the answers are those of
    `napari_seamless.volume.open_volume`.
    """
    levels = tuple(
        dataclasses.replace(lv, data=with_policy(lv.data, missing_chunks, damaged_chunks)) for lv in volume.levels
    )
    return dataclasses.replace(volume, levels=levels)


def with_policy(
    data: ArrayLike, missing_chunks: MissingChunks | None, damaged_chunks: DamagedChunks | None
) -> ArrayLike:
    """Return an array with another answer to missing or damaged chunks where it knows of chunks."""
    if isinstance(data, CachedData):
        return CachedData(with_policy(data.base, missing_chunks, damaged_chunks), data.grid, data.cache.budget_bytes)
    return data.with_policy(missing_chunks, damaged_chunks) if isinstance(data, ZarrData | SelectedData) else data
