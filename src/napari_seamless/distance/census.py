"""Which classes there are, before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_seamless.errors import SettingsError

MOST_CLASSES = 64
"""Maps that are made without being asked for by number: labels of instances would take one for each of thousands."""

_COUNTED_VOXELS = 2**18
"""Voxels that are counted at once: counting takes several bytes for each."""

Counts = np.ndarray[Any, np.dtype[np.int64]]


def count_labels(block: np.ndarray[Any, Any], classes: tuple[int, ...] | None) -> Counts:
    """Count the voxels of each class in a block.

    Parameters
    ----------
    block : numpy.ndarray
        Integers or bool.
    classes : tuple of int or None
        Label values; None for 0 to `MOST_CLASSES` - 1.

    Returns
    -------
    numpy.ndarray
        (class,) int64.

    Raises
    ------
    SettingsError
        The classes are not given, and a label is negative or too large to count on.

    Examples
    --------
    >>> count_labels(np.array([3, 3, 0]), (0, 3, 5)).tolist()
    [1, 2, 0]
    """
    flat = block.reshape(-1)
    counts = np.zeros(MOST_CLASSES if classes is None else len(classes), np.int64)
    for start in range(0, flat.size, _COUNTED_VOXELS):
        part = flat[start : start + _COUNTED_VOXELS]
        if classes is None:
            counts += _count_all(part)
        else:
            counts += [np.count_nonzero(part == value) for value in classes]
    return counts


def _count_all(block: np.ndarray[Any, Any]) -> Counts:
    lowest, highest = int(block.min()), int(block.max())
    if lowest < 0 or highest >= MOST_CLASSES:
        wrong = lowest if lowest < 0 else highest
        raise SettingsError(
            f"labels must be 0 to {MOST_CLASSES - 1} where classes are not given, got {wrong}; "
            "give the label values that you want as classes."
        )
    return np.bincount(block.astype(np.int64), minlength=MOST_CLASSES)


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """The classes of a map and how many voxels each has.

    Parameters
    ----------
    classes : tuple of int
        Label values in the order of the map.
    counts : numpy.ndarray
        (class,) int64.
    voxels : int
        Voxels of the volume.
    """

    classes: tuple[int, ...]
    counts: Counts
    voxels: int

    @classmethod
    def of(cls, counts: Counts, classes: tuple[int, ...] | None, voxels: int) -> Census:
        """Sum up: without given classes they are 0 to the largest label."""
        if classes is None:
            classes = tuple(range(int(np.flatnonzero(counts)[-1]) + 1))
        return cls(classes, counts[: len(classes)], voxels)

    @property
    def measured(self) -> tuple[int, ...]:
        """Positions of the classes that have a border: neither absent nor everywhere; the maps of others are zero."""
        return tuple(i for i, count in enumerate(self.counts.tolist()) if 0 < count < self.voxels)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for the classes without a border."""
        absent = [c for c, count in zip(self.classes, self.counts.tolist(), strict=True) if count == 0]
        full = [c for c, count in zip(self.classes, self.counts.tolist(), strict=True) if count == self.voxels]
        texts = []
        if absent:
            texts.append(f"No voxel has {_named(absent)}; the distance map of an absent class is zero.")
        if full:
            texts.append(
                f"Every voxel has {_named(full)}, which leaves no border to measure to; its distance map is zero."
            )
        return tuple(texts)


def _named(values: list[int]) -> str:
    shown = ", ".join(map(str, values[:8])) + (", ..." if len(values) > 8 else "")
    return f"the label{'s' if len(values) > 1 else ''} {shown}"
