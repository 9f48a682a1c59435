"""What is trained on and what is held out: volumes, or parts of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import AxesError, VolumeError
from napari_seamless.training.label_array import LabelArray
from napari_seamless.training.pair import cache_share, open_pair
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_seamless.training.oss_net.settings import OccupancyTrainingSettings
    from napari_seamless.types import Volume

IntArray = np.ndarray[Any, np.dtype[np.int64]]

_LEAST = 8
"""Voxels along an axis that a part must have."""


class OccupancyLabels(LabelArray):
    """Labels as a training of occupancies wants them: -1 where nothing is asked, 0 outside, 1 and above inside.

    Parameters
    ----------
    volume : Volume
        As in `LabelArray`.
    ignore_label : int or None
        As in `LabelArray`.
    inside : tuple of int or None
        Labels that are inside; None for all above 0.
    classes : int
        1 makes one class of all that is inside; more leaves labels as they are.
    """

    def __init__(
        self, volume: Volume, ignore_label: int | None = None, inside: tuple[int, ...] | None = None, classes: int = 1
    ) -> None:
        super().__init__(volume, ignore_label)
        self.inside, self.classes = inside, classes

    def read(self, box: Box) -> IntArray:
        """Return the labels of a box, int64."""
        labels = super().read(box)
        if self.classes > 1:
            return labels
        found = labels > 0 if self.inside is None else np.isin(labels, self.inside)
        one: IntArray = np.where(labels < 0, labels, found.astype(np.int64))
        return one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VolumePart:
    """A box of an image and its labels; what lies beyond it counts as nothing, as beyond a volume.

    Parameters
    ----------
    image : Volume
        What the network sees.
    labels : OccupancyLabels
        What it is to say.
    box : Box
        The part.
    border : LabelArray or None
        Border map of the labels; None computes it where it is needed.
    """

    image: Volume
    labels: OccupancyLabels
    box: Box
    border: LabelArray | None = None

    def crops(self, size: tuple[int, ...]) -> Iterator[tuple[Box, Box]]:
        """Yield crops that cover the part and what each stands for: cells that share no voxel.

        The last crops are moved back into the part; a size larger than the part begins with it.
        """
        axes = [_intervals(a, b, n) for a, b, n in zip(self.box.start, self.box.stop, size, strict=True)]
        for intervals in itertools.product(*axes):
            start, first, end = zip(*intervals, strict=True)
            yield Box(start, tuple(a + n for a, n in zip(start, size, strict=True))), Box(first, end)


def open_parts(
    pairs: Sequence[tuple[Any, ...]], borders: Sequence[Any], settings: OccupancyTrainingSettings
) -> list[VolumePart]:
    """Open volumes and labels, whole; no voxel is read.

    Parameters
    ----------
    pairs : sequence of (image, labels)
        What `open_volume` takes.
    borders : sequence
        Border maps in the same order, or none at all.
    settings : OccupancyTrainingSettings
        Which labels are inside.

    Raises
    ------
    VolumeError
        Shapes differ, a volume is too small, or channels differ.
    """
    parts = []
    for i, (image, labels) in enumerate(pairs):
        pair = open_pair(image, labels, ignore_label=settings.ignore_label, cache_bytes=cache_share(len(pairs)))
        shape = pair.labels.shape
        if len(shape) != 3:
            raise AxesError(f"{pair.image.name} must have three spatial axes for an occupancy network, got {shape}.")
        truth = OccupancyLabels(pair.labels.volume, settings.ignore_label, settings.inside, settings.classes)
        border = open_pair(pair.image, borders[i]).labels if i < len(borders) else None
        parts.append(VolumePart(image=pair.image, labels=truth, box=Box((0, 0, 0), shape), border=border))
        _check_size(parts[-1])
    _check_channels(parts)
    return parts


def split(
    parts: Sequence[VolumePart], settings: OccupancyTrainingSettings
) -> tuple[list[VolumePart], list[VolumePart]]:
    """Cut each part in one to train on and one at the end of an axis that is held out."""
    if settings.held_out_axis == "none":
        return list(parts), list(parts)
    kept: list[VolumePart] = []
    held: list[VolumePart] = []
    for part in parts:
        sizes = part.box.shape
        names = ("z", "y", "x")
        axis = int(np.argmax(sizes)) if settings.held_out_axis == "auto" else names.index(settings.held_out_axis)
        cut = part.box.stop[axis] - max(_LEAST, round(sizes[axis] * settings.held_out))
        start, stop = list(part.box.start), list(part.box.stop)
        start[axis] = stop[axis] = cut
        first, second = Box(part.box.start, tuple(stop)), Box(tuple(start), part.box.stop)
        for box, where in ((first, kept), (second, held)):
            where.append(VolumePart(image=part.image, labels=part.labels, box=box, border=part.border))
            _check_size(where[-1])
    return kept, held


def _intervals(first: int, end: int, size: int) -> list[tuple[int, int, int]]:
    """Return where each crop begins, and where its cell begins and ends, along one axis."""
    return [(max(first, min(a, end - size)), a, min(a + size, end)) for a in range(first, end, size)]


def _check_size(part: VolumePart) -> None:
    if min(part.box.shape) < _LEAST:
        raise VolumeError(
            f"{part.image.name} has a part of {' x '.join(map(str, part.box.shape))} voxels, and {_LEAST} or more are "
            "needed along each axis; hold out another part, or give larger volumes."
        )


def _check_channels(parts: Sequence[VolumePart]) -> None:
    for part in parts[1:]:
        if part.image.n_channels != parts[0].image.n_channels:
            raise VolumeError(
                f"{part.image.name} has {part.image.n_channels} channels, but {parts[0].image.name} has "
                f"{parts[0].image.n_channels}; train on volumes of one kind."
            )
