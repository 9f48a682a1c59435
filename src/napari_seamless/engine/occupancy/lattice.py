"""What is known of the points of one stage: a byte for each, in memory or in a scratch file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.models.oss_net.dense import dilate
from napari_seamless.types import Box

if TYPE_CHECKING:
    from pathlib import Path

Array = np.ndarray[Any, np.dtype[np.uint8]]

OUTSIDE = 1
"""Known to be outside; 0 is not known, and larger values are the label plus one."""


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Points at multiples of a spacing.

    Parameters
    ----------
    spacing : int
        Voxels between points.
    states : numpy.ndarray
        (z, y, x) uint8: 0 where nothing is known, 1 outside, label + 1 inside.
    """

    spacing: int
    states: Array

    @classmethod
    def of(cls, shape: tuple[int, ...], spacing: int, scratch: Path | None) -> Lattice:
        """Make a lattice that knows nothing; a scratch folder takes it where it is given."""
        size = lattice_shape(shape, spacing)
        if scratch is None:
            return cls(spacing, np.zeros(size, np.uint8))
        return cls(spacing, np.memmap(scratch / f"lattice-{spacing}", np.uint8, "w+", shape=size))

    def under(self, box: Box) -> Box:
        """Return the points in a box of voxels."""
        return Box(
            tuple(-(-a // self.spacing) for a in box.start),
            tuple(-(-b // self.spacing) for b in box.stop),
        )

    def filled(self, box: Box) -> Array:
        """Return labels of a box of voxels, each that of the nearest point inside the box, else of the nearest one."""
        points = self.under(box)
        near = [
            _nearest(low, high, self.spacing, (first, last))
            for low, high, first, last in zip(box.start, box.stop, points.start, points.stop, strict=True)
        ]
        near = [np.minimum(place, edge - 1) for place, edge in zip(near, self.states.shape, strict=True)]
        corner = [int(place[0]) for place in near]
        part = np.asarray(self.states[tuple(slice(c, int(p[-1]) + 1) for c, p in zip(corner, near, strict=True))])
        labels: Array = np.maximum(part, OUTSIDE)[np.ix_(*(p - c for p, c in zip(near, corner, strict=True)))]
        labels -= OUTSIDE
        return labels


def lattice_shape(shape: tuple[int, ...], spacing: int) -> tuple[int, ...]:
    """Return the points of a lattice along each axis."""
    return tuple(-(-edge // spacing) for edge in shape)


def asked(coarse: Lattice, spacing: int, points: Box, reach: int) -> tuple[np.ndarray[Any, Any], Array]:
    """Find the points of a block that lie near to what the stage before found.

    Parameters
    ----------
    coarse : Lattice
        What the stage before knows.
    spacing : int
        Of this stage: a divisor of that before.
    points : Box
        The block, in points of this stage.
    reach : int
        Voxels that this stage looks around a point that is inside.

    Returns
    -------
    asked : numpy.ndarray
        Boolean, of the block's shape: points to evaluate.
    states : numpy.ndarray
        (z, y, x) uint8, of the block's shape: what is known.
    """
    ratio, steps = coarse.spacing // spacing, reach // spacing
    edges = [edge * ratio for edge in coarse.states.shape]
    wide = Box(
        tuple(max(0, a - steps) for a in points.start),
        tuple(max(0, min(b + steps, edge)) for b, edge in zip(points.stop, edges, strict=True)),
    )
    states = np.zeros(wide.shape, np.uint8)
    first = [-(-a // ratio) for a in wide.start]
    last = [-(-b // ratio) for b in wide.stop]
    onto = tuple(slice(f * ratio - a, None, ratio) for f, a in zip(first, wide.start, strict=True))
    states[onto] = coarse.states[tuple(slice(f, stop) for f, stop in zip(first, last, strict=True))]
    inner = points.within(wide.start).slices
    if not (states > OUTSIDE).any():
        return np.zeros(points.shape, bool), states[inner]
    near = dilate(torch.from_numpy(states > OUTSIDE), steps).numpy()[inner]
    known = states[inner].copy()
    return near & (known == 0), known


def _nearest(low: int, high: int, spacing: int, points: tuple[int, int]) -> np.ndarray[Any, Any]:
    near = (np.arange(low, high) + spacing // 2) // spacing
    first, last = points
    return np.clip(near, first, last - 1) if last > first else near
