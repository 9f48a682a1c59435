"""Where paint is, so that patches around it can be drawn class by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.types import Box

if TYPE_CHECKING:
    from napari_seamless.training.painting import Painting

Array = np.ndarray[Any, Any]


class PaintedPlaces:
    """Draw painted voxels: each painted class equally often, and each voxel of a class.

    What is painted or erased later is seen with the next draw. Only counts for each chunk are held.

    Parameters
    ----------
    painting : Painting
        What is drawn from.
    """

    def __init__(self, painting: Painting) -> None:
        self._painting = painting
        self._version = -1
        self._boxes: list[Box] = []
        self._counts = np.zeros((0, 0), np.int64)

    @property
    def version(self) -> int:
        """The version of the painting that the last draw saw."""
        return self._version

    def draw(self, rng: np.random.Generator) -> tuple[int, ...] | None:
        """Return the coordinates of a painted voxel; None where nothing is painted."""
        if self._painting.version != self._version:
            self._look()
        totals = self._counts.sum(axis=0)
        classes = np.flatnonzero(totals)
        if not classes.size:
            return None
        chosen = int(rng.choice(classes))
        counts = self._counts[:, chosen]
        box = self._boxes[int(rng.choice(counts.size, p=counts / totals[chosen]))]
        found = np.flatnonzero(self._painting[box.slices] == chosen + 1)
        if not found.size:  # erased since it was counted
            return self.draw(rng)
        inside = np.unravel_index(int(rng.choice(found)), box.shape)
        return tuple(a + int(i) for a, i in zip(box.start, inside, strict=True))

    def _look(self) -> None:
        self._version = self._painting.version
        found = list(self._painting.chunk_counts())
        self._boxes = [box for box, _ in found]
        self._counts = np.zeros((len(found), max((counts.size for _, counts in found), default=1) - 1), np.int64)
        for row, (_, counts) in zip(self._counts, found, strict=True):
            row[: counts.size - 1] = counts[1:]


def box_around(
    voxel: tuple[int, ...], patch: tuple[int, ...], shape: tuple[int, ...], rng: np.random.Generator, border: float
) -> Box:
    """Return a patch in which a voxel lies anywhere but in the border, as far as the volume allows.

    Parameters
    ----------
    voxel, patch, shape : tuple of int
        Coordinates, voxels of the patch, voxels of the volume; a patch is at most the volume.
    rng : numpy.random.Generator
        Draws the place.
    border : float
        Part of the patch at each side.

    Examples
    --------
    >>> box = box_around((50, 0), (16, 16), (100, 100), np.random.default_rng(0), 0.25)
    >>> 4 <= 50 - box.start[0] < 12, box.start[1]
    (True, 0)
    """
    start = []
    for at, size, n in zip(voxel, patch, shape, strict=True):
        margin = min(int(border * size), (size - 1) // 2)
        first = at - int(rng.integers(margin, size - margin))
        start.append(min(max(0, first), n - size))
    return Box(tuple(start), tuple(a + size for a, size in zip(start, patch, strict=True)))


def counted_part(box: Box, shape: tuple[int, ...], border: float) -> tuple[slice, ...]:
    """Return the part of a patch that trains: all but its border, which counts where it is the volume's own.

    Examples
    --------
    >>> counted_part(Box((0, 8), (8, 16)), (40, 40), 0.25)
    (slice(0, 6, None), slice(2, 6, None))
    """
    part = []
    for a, b, n in zip(box.start, box.stop, shape, strict=True):
        margin = min(int(border * (b - a)), (b - a - 1) // 2)
        part.append(slice(margin if a > 0 else 0, b - a - (margin if b < n else 0)))
    return tuple(part)
