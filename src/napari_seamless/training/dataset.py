"""Patches for training: image, labels and distance maps cut together out of lazy volumes."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from napari_seamless.errors import GeometryError, SettingsError, VolumeError
from napari_seamless.training.augmentation import Augmentation
from napari_seamless.training.candidates import Candidates, find_candidates
from napari_seamless.types import Box, Normalization

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_seamless.training.pair import TrainingPair

Key = int | tuple[int, int]
IntArray = np.ndarray[Any, np.dtype[np.int64]]
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchSettings:
    """How patches are drawn.

    Parameters
    ----------
    patch_size : tuple of int
        Voxels per spatial axis.
    patches_per_epoch : int
        Length of the dataset.
    class_share, border_share : float
        Parts of the patches that hold a voxel of a class drawn evenly from all classes, and a voxel at a border between
        classes. The others lie anywhere, or, where labels are partial, hold any voxel that counts.
    candidates : int
        Most positions that are remembered for each class, and for the borders, of each volume.
    normalization : Normalization
        How intensities are scaled, by statistics of the whole volume.
    augmentation : Augmentation or None
        What happens to a patch; None for nothing.
    seed : int
        Decides, with epoch and index, every patch.

    Raises
    ------
    SettingsError
        A number is out of its range.
    """

    patch_size: tuple[int, ...]
    patches_per_epoch: int = 250
    class_share: float = 0.5
    border_share: float = 0.25
    candidates: int = 5000
    normalization: Normalization = field(default_factory=lambda: Normalization(kind="zscore"))
    augmentation: Augmentation | None = field(default_factory=Augmentation)
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.class_share, self.border_share) < 0 or self.class_share + self.border_share > 1:
            raise SettingsError(
                "class_share and border_share must not be negative, and at most 1 together, "
                f"got {self.class_share:g} and {self.border_share:g}."
            )
        if min(self.patches_per_epoch, self.candidates, *self.patch_size) < 1:
            raise SettingsError("patch_size, patches_per_epoch and candidates must be at least 1.")


class TrainingPatches(Dataset[dict[str, torch.Tensor]]):
    """Random patches of one or more volumes, read when they are asked for.

    A patch is the same for the same seed, epoch and index, in whatever process it is read. Patches are drawn so that a
    chosen voxel is equally likely at each coordinate inside the patch, away from the volume's border: errors by patch
    coordinate stay comparable. Distance maps are cut from those of the whole volume.

    Parameters
    ----------
    pairs : sequence of TrainingPair
        Images, labels and, for all or none, distance maps.
    n_classes : int
        Classes of the network.
    settings : PatchSettings
        How patches are drawn.
    on_block : callable, optional
        Called with blocks done and blocks in all, while intensities are measured and classes are found.

    Raises
    ------
    VolumeError
        A class is missing everywhere, a label is no class, or volumes differ in channels or axes.
    GeometryError
        The patch is larger than a volume.

    Examples
    --------
    >>> from napari_seamless.training.pair import open_pair
    >>> image = np.random.default_rng(0).random((16, 16), dtype=np.float32)
    >>> pair = open_pair(image, image > 0.5)
    >>> patches = TrainingPatches([pair], 2, PatchSettings(patch_size=(8, 8)))
    >>> {name: tuple(value.shape) for name, value in patches[0].items()}
    {'image': (1, 8, 8), 'labels': (8, 8)}
    """

    def __init__(
        self,
        pairs: Sequence[TrainingPair],
        n_classes: int,
        settings: PatchSettings,
        on_block: Callable[[int, int], None] | None = None,
    ) -> None:
        self.pairs = tuple(pairs)
        self.n_classes = n_classes
        self.settings = settings
        self.epoch = 0
        _check_pairs(self.pairs, settings.patch_size)
        self.candidates = tuple(
            find_candidates(p.labels, n_classes, limit=settings.candidates, seed=settings.seed, on_block=on_block)
            for p in self.pairs
        )
        _check_classes_present(self.candidates)
        self._images = tuple(p.reader(settings.normalization, on_block) for p in self.pairs)
        self._distances = tuple(p.distance_reader() for p in self.pairs)
        self._odds = _odds(self.candidates)

    def with_distances(self, pairs: Sequence[TrainingPair]) -> TrainingPatches:
        """Return the same patches with the distance maps of the same pairs."""
        other = copy.copy(self)
        other.pairs = tuple(pairs)
        other._distances = tuple(p.distance_reader() for p in other.pairs)
        return other

    def __len__(self) -> int:
        return self.settings.patches_per_epoch

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the patches that are asked for by index alone."""
        self.epoch = epoch

    def __getitem__(self, key: Key) -> dict[str, torch.Tensor]:
        r"""Return a patch by its index, or by epoch and index.

        Returns
        -------
        dict
            ``image`` float32 (channel, \*patch), ``labels`` int64 (\*patch) with -1 where a voxel does not count, and
            ``distances`` float32 (map, \*patch) where there are maps.

        Raises
        ------
        IndexError
            The index is not in the epoch.
        """
        epoch, index = key if isinstance(key, tuple) else (self.epoch, key)
        if not 0 <= index < len(self):
            raise IndexError(f"an epoch has the patches 0 to {len(self) - 1}, got {index}")
        rng = np.random.default_rng([self.settings.seed, 1, epoch, index])
        volume, box = self._place(rng)
        arrays: list[tuple[np.ndarray[Any, Any], int]] = [
            (self._images[volume].read(box), 1),
            (self.pairs[volume].labels.read(box), 0),
        ]
        distances = self._distances[volume]
        if distances is not None:
            arrays.append((distances.read(box), 1))
        if (change := self.settings.augmentation) is not None:
            moves = change.moves(box.shape, self.pairs[volume].spacing, rng)
            arrays = [(moves.apply(array, axis), axis) for array, axis in arrays]
            arrays[0] = (change.recolored(arrays[0][0], rng), 1)
        return dict(zip(("image", "labels", "distances"), (torch.from_numpy(a) for a, _ in arrays), strict=False))

    def _place(self, rng: np.random.Generator) -> tuple[int, Box]:
        """Draw a volume and a box in it."""
        kind, settings = rng.random(), self.settings
        if kind < settings.border_share and any(len(c.border) for c in self.candidates):
            volume = _draw(rng, np.array([len(c.border) > 0 for c in self.candidates], dtype=float))
            return volume, self._around(volume, self.candidates[volume].border, rng)
        if kind < settings.border_share + settings.class_share:
            label = int(rng.integers(self.n_classes))
            volume = _draw(rng, np.array([c.counts[label] > 0 for c in self.candidates], dtype=float))
            return volume, self._around(volume, self.candidates[volume].by_class[label], rng)
        volume = _draw(rng, self._odds)
        found = self.candidates[volume]
        if not found.painted:
            label = _draw(rng, found.counts.astype(float))
            return volume, self._around(volume, found.by_class[label], rng)
        shape, patch = self.pairs[volume].labels.shape, settings.patch_size
        start = tuple(int(rng.integers(n - p + 1)) for n, p in zip(shape, patch, strict=True))
        return volume, Box(start, tuple(a + p for a, p in zip(start, patch, strict=True)))

    def _around(self, volume: int, positions: IntArray, rng: np.random.Generator) -> Box:
        """Draw one of the boxes inside the volume that hold a position."""
        position = positions[rng.integers(len(positions))]
        start = []
        for at, patch, n in zip(position, self.settings.patch_size, self.pairs[volume].labels.shape, strict=True):
            start.append(int(rng.integers(max(0, at - patch + 1), min(at, n - patch) + 1)))
        return Box(tuple(start), tuple(a + p for a, p in zip(start, self.settings.patch_size, strict=True)))


def _draw(rng: np.random.Generator, odds: FloatArray) -> int:
    return int(rng.choice(len(odds), p=odds / odds.sum()))


def _odds(candidates: tuple[Candidates, ...]) -> FloatArray:
    """Weigh volumes by the voxels that count."""
    return np.array([c.counts.sum() for c in candidates], dtype=float)


def _check_classes_present(candidates: tuple[Candidates, ...]) -> None:
    missing = np.flatnonzero(np.sum([c.counts for c in candidates], axis=0) == 0)
    if missing.size:
        raise VolumeError(
            f"No voxel of the labels has the class {missing[0]}, which the network is to learn; give labels that hold "
            "every class, or name fewer classes."
        )


def _check_pairs(pairs: tuple[TrainingPair, ...], patch_size: tuple[int, ...]) -> None:
    if not pairs:
        raise SettingsError("There must be at least one image with labels to train on, got none.")
    first = pairs[0]
    for pair in pairs:
        image, shape = pair.image, pair.labels.shape
        if (image.n_channels, len(shape)) != (first.image.n_channels, len(first.labels.shape)):
            raise VolumeError(
                f"{image.name} has {image.n_channels} channels and {len(shape)} spatial axes, but {first.image.name} "
                f"has {first.image.n_channels} and {len(first.labels.shape)}; train on volumes of one kind."
            )
        if (pair.distances is None) != (first.distances is None):
            raise VolumeError(f"{image.name} must have distance maps as the other volumes do, or none of them.")
        if len(patch_size) != len(shape) or any(p > n for p, n in zip(patch_size, shape, strict=True)):
            raise GeometryError(
                f"A patch of {' x '.join(map(str, patch_size))} voxels does not fit into {image.name} with "
                f"{' x '.join(map(str, shape))}; choose a smaller patch."
            )
