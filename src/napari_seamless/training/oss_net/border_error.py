"""How wrong answers are by how far from the border of the labels they were asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.engine.distance import signed_distance_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types import Box

Array = np.ndarray[Any, Any]

EDGES = (-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0)
"""Ends of the bins in voxels, negative inside; the first and the last bin have no end."""

REACH = 9
"""Voxels around a crop in which a border is looked for."""


class BorderError:
    """Mean error and rate of wrong answers in bins of the signed distance from the border.

    Parameters
    ----------
    spacing : sequence of float
        Voxel size per axis; distances are counted in the smallest one.

    Examples
    --------
    >>> error = BorderError((1.0, 1.0, 1.0))
    >>> error.add(np.array([-0.5, 0.5, 0.7]), np.array([0.9, 0.2, 0.6]), np.array([1, 0, 0]))
    >>> [(row["voxels"], row["wrong"]) for row in error.rows() if row["coordinates"]]
    [('-1 to 0', 0.0), ('0 to 1', 0.5)]
    """

    def __init__(self, spacing: Sequence[float] = (1.0, 1.0, 1.0)) -> None:
        self.unit = min(spacing)
        self._sums = np.zeros((3, len(EDGES) + 1))

    def add(self, distances: Array, occupancies: Array, labels: Array) -> None:
        """Count answers: (n,) distances in voxels, occupancies in 0..1, and labels, above 0 inside."""
        bins = np.searchsorted(EDGES, distances, side="right")
        truth = labels > 0
        wrong = (occupancies > 0.5) != truth
        for row, values in enumerate((np.ones(len(bins)), np.abs(occupancies - truth), wrong)):
            self._sums[row] += np.bincount(bins, values, minlength=len(EDGES) + 1)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each bin, deepest inside first: ends, answers, mean error, share of wrong ones."""
        count, error, wrong = self._sums
        ends = [-np.inf, *EDGES, np.inf]
        found = []
        for i, n in enumerate(count):
            found.append(
                {
                    "voxels": _named(ends[i], ends[i + 1]),
                    "from": _finite(ends[i] * self.unit),
                    "to": _finite(ends[i + 1] * self.unit),
                    "coordinates": int(n),
                    "error": float(error[i] / n) if n else None,
                    "wrong": float(wrong[i] / n) if n else None,
                }
            )
        return found


def distances_at(labels: Array, filled: Box, crop: Box, coordinates: Array, spacing: Sequence[float]) -> Array:
    """Return how far coordinates of a crop are from the border, in the smallest voxel size, negative inside.

    Parameters
    ----------
    labels : numpy.ndarray
        (z, y, x) of `filled`, which reaches `REACH` voxels beyond the crop where the volume does.
    filled, crop : Box
        Boxes of the volume.
    coordinates : numpy.ndarray
        (n, 3) int64 voxels of the crop.
    spacing : sequence of float
        Voxel size per axis.

    Returns
    -------
    numpy.ndarray
        (n,) float32; the ends of the scale where there is no border within reach.
    """
    inside = labels > 0
    at = tuple((coordinates + np.array(crop.start) - np.array(filled.start)).T)
    if inside.all() or not inside.any():
        return np.full(len(coordinates), -np.inf if inside.all() else np.inf, np.float32)
    relative = [size / min(spacing) for size in spacing]
    maps = signed_distance_map(inside, relative, [1], convention="exact", max_distance=float(REACH), threads=1)
    return np.asarray(maps[0][at], np.float32)


def _named(low: float, high: float) -> str:
    if low == -np.inf:
        return f"below {high:g}"
    return f"above {low:g}" if high == np.inf else f"{low:g} to {high:g}"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
