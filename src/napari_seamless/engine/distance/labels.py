"""The labels of a distance map: opened, checked, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import AxesError, VolumeError
from napari_seamless.types import NON_SPATIAL_AXES
from napari_seamless.volume import at, open_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types import Box, Volume

_COARSER = 5.0


def open_labels(labels: Any, spacing: float | Sequence[float] | None, axes: str | None = None) -> Volume:
    """Open labels and check that their distances can be measured; no voxel is read.

    Raises
    ------
    VolumeError
        The labels are no integers, the spacing does not fit, or there are more than three spatial axes.
    AxesError
        There is more than one channel, time or batch.
    """
    source = np.asarray(labels) if isinstance(labels, list | tuple) else labels
    volume = open_volume(source, spacing=spacing, axes=axes, missing_chunks="fill")
    for axis in tuple(volume.axes):
        length = volume.shape[volume.axes.index(axis)]
        if axis in NON_SPATIAL_AXES and length > 1:
            raise AxesError(f"labels must have spatial axes alone, got {length} positions along {axis}; choose one.")
        if axis in NON_SPATIAL_AXES:
            volume = at(volume, **{axis: 0})
    if volume.dtype.kind not in "iub":
        raise VolumeError(
            f"labels must be integers or booleans, got {volume.dtype}; convert them first, for example with astype."
        )
    if not 1 <= len(volume.shape) <= 3:
        raise VolumeError(
            f"labels must have one to three spatial axes, got {len(volume.shape)}; choose a part of them."
        )
    return volume


def spacing_warnings(volume: Volume) -> tuple[str, ...]:
    """Return a sentence where one axis is much coarser than another."""
    sizes = dict(zip(volume.spatial_axes, volume.spacing, strict=True))
    coarse, fine = max(sizes, key=sizes.__getitem__), min(sizes, key=sizes.__getitem__)
    if sizes[coarse] <= _COARSER * sizes[fine]:
        return ()
    text = (
        f"Voxels are over {_COARSER:g} times coarser along {coarse} ({sizes[coarse]:g}) than along {fine} "
        f"({sizes[fine]:g}): distances across {coarse} are as coarse; check the spacing, or resample."
    )
    return (text,)


def read_labels(volume: Volume, box: Box) -> np.ndarray[Any, Any]:
    """Read a box of labels as a contiguous array."""
    return np.ascontiguousarray(volume.data[box.slices])
