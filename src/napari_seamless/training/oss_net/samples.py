"""Crops of volumes with the coordinates that are asked for in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from napari_seamless.errors import VolumeError
from napari_seamless.patches import PatchReader, volume_statistics
from napari_seamless.training.candidates import find_candidates
from napari_seamless.training.oss_net.border import border_in_box
from napari_seamless.types import Box, Normalization

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_seamless.patches import Statistics
    from napari_seamless.training.oss_net.parts import VolumePart
    from napari_seamless.training.oss_net.settings import OccupancyTrainingSettings
    from napari_seamless.types import Volume

Array = np.ndarray[Any, Any]
Rng = np.random.Generator

HALO = 7
"""Voxels around a crop that patches of its coordinates may need."""

_ZSCORE = Normalization(kind="zscore")
_CANDIDATES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crop:
    """What was read of a volume.

    Parameters
    ----------
    voxels : numpy.ndarray
        (channel, z, y, x) float32: the crop with a halo of 7 voxels, normalised, zero beyond the part.
    labels : numpy.ndarray
        (z, y, x) int64 of the crop alone, -1 where nothing is asked.
    border : numpy.ndarray or None
        (z, y, x) bool: the border region, where it was asked for.
    """

    voxels: Array
    labels: Array
    border: Array | None


class PartReader:
    """Reads crops of one part, each channel of the image with mean 0 and variance 1 over the whole volume.

    Parameters
    ----------
    part : VolumePart
        What is read.
    classes : int
        1 for one occupancy.
    statistics : Statistics
        Of the whole image, see `measure`.
    """

    def __init__(self, part: VolumePart, classes: int, statistics: Statistics) -> None:
        self.part, self.classes = part, classes
        self._reader = PatchReader(part.image, normalization=_ZSCORE, statistics=statistics)

    def read(self, box: Box, *, with_border: bool, change: Callable[[Array], Array] | None = None) -> Crop:
        """Read a crop, which may end beyond the part; `change` is applied to the voxels that there are."""
        wide = Box(tuple(a - HALO for a in box.start), tuple(b + HALO for b in box.stop))
        voxels = np.zeros((self._reader.n_channels, *wide.shape), np.float32)
        near = self._within(wide)
        values = self._reader.read(near)
        voxels[(slice(None), *near.within(wide.start).slices)] = values if change is None else change(values)
        labels = np.full(box.shape, -1, np.int64)
        inner = self._within(box)
        labels[inner.within(box.start).slices] = self.part.labels.read(inner)
        return Crop(voxels=voxels, labels=labels, border=self._border(box, inner) if with_border else None)

    def labels_around(self, box: Box, reach: int) -> tuple[Array, Box]:
        """Read the labels of the part within reach of a crop; return them and the box that they fill."""
        wide = self._within(Box(tuple(a - reach for a in box.start), tuple(b + reach for b in box.stop)))
        return self.part.labels.read(wide), wide

    def _border(self, box: Box, inner: Box) -> Array:
        border = np.zeros(box.shape, dtype=bool)
        if self.part.border is not None:
            found = self.part.border.read(inner) > 0
        else:
            origin, shape = self.part.box.start, self.part.box.shape

            def read(asked: Box) -> Array:
                return self.part.labels.read(asked.within(tuple(-n for n in origin)))

            found = border_in_box(read, shape, inner.within(origin), self.classes)
        border[inner.within(box.start).slices] = found
        return border

    def _within(self, box: Box) -> Box:
        limits = self.part.box
        return Box(
            tuple(max(a, low) for a, low in zip(box.start, limits.start, strict=True)),
            tuple(min(b, high) for b, high in zip(box.stop, limits.stop, strict=True)),
        )


def measure(image: Volume, on_block: Callable[[int, int], None] | None = None) -> Statistics:
    """Measure mean and deviation of each channel of a whole image.

    Raises
    ------
    VolumeError
        The image holds values that are not finite.
    """
    return volume_statistics(image, _ZSCORE, on_block=on_block)


class OccupancySamples(Dataset[dict[str, torch.Tensor]]):
    """Random crops with labelled coordinates; the same for the same seed, epoch and index, in whatever process.

    Parameters
    ----------
    readers : sequence of PartReader
        What is trained on.
    size : tuple of int
        Voxels of a crop.
    grid : tuple of int
        Voxels of the coarse labels, which the low-resolution head learns.
    settings : OccupancyTrainingSettings
        How crops and coordinates are drawn.

    Raises
    ------
    VolumeError
        The labels have nothing inside.
    """

    def __init__(
        self,
        readers: Sequence[PartReader],
        size: tuple[int, ...],
        grid: tuple[int, ...],
        settings: OccupancyTrainingSettings,
    ) -> None:
        self._readers, self._size, self._grid, self._settings = tuple(readers), size, grid, settings
        self._change = settings.augmentation()
        self._borders = [self._positions(reader.part) for reader in readers]
        self._volumes = np.array([reader.part.box.size for reader in readers], dtype=float)

    @property
    def parts(self) -> tuple[VolumePart, ...]:
        """What is trained on."""
        return tuple(reader.part for reader in self._readers)

    def __len__(self) -> int:
        if self._settings.samples_per_epoch is not None:
            return self._settings.samples_per_epoch
        sizes = [reader.part.box.shape for reader in self._readers]
        drawn = any(n > c for shape in sizes for n, c in zip(shape, self._size, strict=True))
        return 32 if drawn else len(self._readers)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, torch.Tensor]:
        """Return a sample by epoch and index.

        Returns
        -------
        dict
            ``voxels`` (channel, z, y, x) float32 with the halo, ``coordinates`` (n, 3) int64 voxels of the crop,
            ``labels`` (n,) int64, and ``coarse`` (z, y, x) float32: whether anything is inside, at the latent grid.
        """
        epoch, index = key
        rng = np.random.default_rng([self._settings.seed, 1, epoch, index])
        i = self._volume(index, rng)
        box = self._place(i, rng)
        crop = self._readers[i].read(
            box, with_border=self._settings.border_share > 0, change=lambda values: self._change.recolored(values, rng)
        )
        moves = self._change.moves(self._size, (1.0,) * 3, rng)
        labels, voxels = moves.apply(crop.labels, 0), moves.apply(crop.voxels, 1)
        border = None if crop.border is None else moves.apply(crop.border, 0)
        at = draw_coordinates(labels, border, self._settings.coordinates, self._settings.border_share, rng)
        inside = torch.from_numpy((labels > 0).astype(np.float32))[None]
        return {
            "voxels": torch.from_numpy(voxels),
            "coordinates": torch.from_numpy(at),
            "labels": torch.from_numpy(labels[tuple(at.T)]),
            "coarse": torch.nn.functional.adaptive_max_pool3d(inside, self._grid)[0],
        }

    def _volume(self, index: int, rng: Rng) -> int:
        if len(self) == len(self._readers):
            return index
        return int(rng.choice(len(self._readers), p=self._volumes / self._volumes.sum()))

    def _place(self, i: int, rng: Rng) -> Box:
        """Draw a crop: anywhere, or around a voxel at a border."""
        part, borders = self._readers[i].part.box, self._borders[i]
        low = np.array(part.start)
        room = np.maximum(0, np.array(part.shape) - self._size)
        if rng.random() < self._settings.border_share and len(borders):
            about = borders[rng.integers(len(borders))] - rng.integers(0, self._size)
            start = np.clip(about, low, low + room)
        else:
            start = low + rng.integers(0, room + 1)
        return Box(tuple(start.tolist()), tuple((start + self._size).tolist()))

    def _positions(self, part: VolumePart) -> Array:
        n_classes = max(2, self._settings.classes)
        found = find_candidates(part.labels, n_classes, limit=_CANDIDATES, seed=self._settings.seed)
        if not found.counts[1:].sum():
            raise VolumeError(
                f"{part.labels.volume.name} has nothing inside; give labels above 0, or say which labels are inside."
            )
        positions = found.border
        if not len(positions):
            return np.empty((0, 3), np.int64)
        held = np.all((positions >= part.box.start) & (positions < part.box.stop), axis=1)
        return positions[held]


def draw_coordinates(labels: Array, border: Array | None, count: int, share: float, rng: Rng) -> Array:
    """Draw voxels with a label, a share of them from a region.

    Parameters
    ----------
    labels : numpy.ndarray
        (z, y, x); -1 is never drawn.
    border : numpy.ndarray or None
        (z, y, x) bool: the region. Where it is empty all are drawn from everywhere.
    count : int
        How many, drawn with replacement.
    share : float
        From the region, 0..1; rounded to whole coordinates.
    rng : numpy.random.Generator
        What draws.

    Returns
    -------
    numpy.ndarray
        (count, 3) int64, those of the region first.
    """
    places = np.flatnonzero(labels >= 0)
    if not places.size:
        raise VolumeError(
            "A crop of the volume has no voxel with a label that counts; choose larger crops, or label more of it."
        )
    near = np.empty(0, np.int64) if border is None else np.flatnonzero(border & (labels >= 0))
    n_near = round(share * count) if near.size else 0
    parts = [near[rng.integers(near.size, size=n_near)]] if n_near else []
    chosen = np.concatenate([*parts, places[rng.integers(places.size, size=count - n_near)]])
    return np.stack(np.unravel_index(chosen, labels.shape), axis=1).astype(np.int64)
