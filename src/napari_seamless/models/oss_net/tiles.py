"""Coordinates in an order in which neighbours come together: by tiles of the volume, in columns along z."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

TILE = 64
"""Edge of a tile in voxels."""


def tiles(voxels: Tensor, edge: int = TILE) -> Iterator[Tensor]:
    """Yield which coordinates lie in each tile that holds any.

    Parameters
    ----------
    voxels : torch.Tensor
        (n, 3) int64.
    edge : int
        Edge of a tile in voxels.

    Yields
    ------
    torch.Tensor
        (m,) int64: indices of the coordinates of one tile, by y, then x, then z.

    Examples
    --------
    >>> [tile.tolist() for tile in tiles(torch.tensor([[1, 0, 0], [70, 0, 0], [0, 0, 0]]))]
    [[2, 0], [1]]
    """
    if not len(voxels):
        return
    numbers = torch.div(voxels, edge, rounding_mode="floor")
    within = voxels - numbers * edge
    numbers = numbers - numbers.amin(0)
    _, rows, columns = (numbers.amax(0) + 1).tolist()
    tile = (numbers[:, 0] * rows + numbers[:, 1]) * columns + numbers[:, 2]
    place = (within[:, 1] * edge + within[:, 2]) * edge + within[:, 0]
    ordered, order = (tile * edge**3 + place).sort(stable=True)
    counts = torch.unique_consecutive(torch.div(ordered, edge**3, rounding_mode="floor"), return_counts=True)[1]
    yield from torch.split(order, counts.tolist())
