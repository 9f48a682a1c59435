"""A whole grid from coarse to fine: every few voxels first, then only what lies near to what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_SLAB = 64
"""Planes whose coordinates are listed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """How a grid is refined.

    Parameters
    ----------
    spacings : tuple of int
        Voxels between the points of each stage, each a divisor of the one before; the last is 1.
    threshold : float
        Points whose occupancy exceeds it are inside, 0..1.

    Raises
    ------
    SettingsError
        Spacings that do not divide each other or do not end with 1, or a threshold out of its range.

    Examples
    --------
    >>> Stages(spacings=(4, 2, 1)).reaches
    (0, 4, 1)
    """

    spacings: tuple[int, ...] = (4, 2, 1)
    threshold: float = 0.5
    reaches: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Refuse stages that leave voxels out, and note how far each looks around what was found."""
        spacings = tuple(self.spacings)
        divided = all(after >= 1 and after < before and before % after == 0 for before, after in pairwise(spacings))
        if not spacings or spacings[-1] != 1 or not divided:
            raise SettingsError(f"stages must fall to 1 by division, as 4, 2, 1 do, and are {spacings}.")
        if not 0 <= self.threshold <= 1:
            raise SettingsError(f"threshold must lie in 0 to 1 and is {self.threshold}.")
        object.__setattr__(self, "spacings", spacings)
        # A stage looks as far as the last spacing was; the finest only fills what lies between two points.
        near = ((before if after > 1 else before - 1) for before, after in pairwise(spacings))
        object.__setattr__(self, "reaches", (0, *near))


def segment_in_stages(
    inside: Callable[[Tensor], Tensor], shape: Sequence[int], stages: Stages, first: Tensor | None = None
) -> Iterator[tuple[int, Tensor]]:
    """Refine a grid from coarse to fine.

    Parameters
    ----------
    inside : callable
        Takes (n, 3) int64 voxel indices on the CPU; returns (n,) values: points above the threshold are kept.
    shape : sequence of int
        (z, y, x) of the grid.
    stages : Stages
        Spacings and threshold.
    first : torch.Tensor or None
        Boolean, of the shape of the first stage's lattice: which points it evaluates; None for all.

    Yields
    ------
    spacing : int
        Of the stage that has ended.
    grid : torch.Tensor
        (z, y, x) bool: what was found so far, at lattice points of that spacing and nowhere else:
        ``grid[::s, ::s, ::s]`` is the coarse result. It is refined in place by the next step.

    Examples
    --------
    >>> ball = lambda points: ((points - 8.0).square().sum(1) < 30).float()
    >>> [(s, int(grid.sum())) for s, grid in segment_in_stages(ball, (17, 17, 17), Stages())]
    [(4, 7), (2, 81), (1, 691)]
    """
    found = torch.zeros(tuple(shape), dtype=torch.bool)
    known = torch.zeros_like(found)
    for spacing, reach in zip(stages.spacings, stages.reaches, strict=True):
        lattice = (slice(None, None, spacing),) * 3
        asked = torch.zeros_like(found)
        if reach:
            asked[lattice] = dilate(found, reach)[lattice] & ~known[lattice]
        else:
            asked[lattice] = True if first is None else first.cpu()
        known |= asked
        _evaluate(inside, asked, found, stages.threshold)
        yield spacing, found


def _evaluate(inside: Callable[[Tensor], Tensor], asked: Tensor, found: Tensor, threshold: float) -> None:
    for low in range(0, len(asked), _SLAB):
        points = asked[low : low + _SLAB].nonzero()
        if len(points):
            points[:, 0] += low
            found[points.unbind(1)] = inside(points).cpu() > threshold


def dilate(grid: Tensor, reach: int) -> Tensor:
    """Dilate a boolean grid by a cube of edge 2 reach + 1, axis by axis."""
    for axis in range(grid.ndim):
        wider = grid.clone()
        for step in range(1, min(reach, grid.shape[axis] - 1) + 1):
            length = grid.shape[axis] - step
            wider.narrow(axis, step, length).logical_or_(grid.narrow(axis, 0, length))
            wider.narrow(axis, 0, length).logical_or_(grid.narrow(axis, step, length))
        grid = wider
    return grid


def points_above(head: Tensor, shape: Sequence[int], spacing: int, threshold: float) -> Tensor:
    """Find the lattice points where a coarse segmentation, upsampled with corners aligned, exceeds a threshold.

    Parameters
    ----------
    head : torch.Tensor
        (1, 1, z, y, x) in 0..1.
    shape : sequence of int
        (z, y, x) of the grid.
    spacing : int
        Voxels between lattice points.
    threshold : float
        0..1.

    Returns
    -------
    torch.Tensor
        Boolean, of the lattice's shape.
    """
    lattice = [-(-edge // spacing) for edge in shape]
    if 0 in lattice:
        return torch.zeros(lattice, dtype=torch.bool)
    upsampled = F.interpolate(head.float(), size=lattice, mode="trilinear", align_corners=True)
    return upsampled[0, 0] > threshold
