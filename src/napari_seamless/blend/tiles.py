"""The sums of an output chunk, laid out in tiles that a processor's cache holds."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

TILE_VOXELS = 2**15
"""Voxels of a tile: a patch's part of it is added line by line, and short lines far apart cost more than the sum."""

Span = tuple[int, slice, slice]
"""What a patch adds to along one axis: number of a tile, the voxels in the tile, and the same ones in the patch."""


@lru_cache(maxsize=1024)
def tile_cuts(length: int, n_axes: int) -> tuple[int, ...]:
    """Return where an axis of a chunk is cut: begin and end of every tile.

    Examples
    --------
    >>> tile_cuts(64, 3), tile_cuts(50, 3)
    ((0, 32, 64), (0, 25, 50))
    """
    edge = TILE_VOXELS ** (1 / n_axes)
    pieces = max(1, round(length / edge))
    return tuple(length * i // pieces for i in range(pieces + 1))


def spans(cuts: tuple[int, ...], lo: int, hi: int, patch: int) -> tuple[Span, ...]:
    """Return the tiles along an axis that share a voxel with a patch.

    Parameters
    ----------
    cuts : tuple of int
        See `tile_cuts`.
    lo, hi : int
        What the patch covers of the chunk, counted from the chunk's start.
    patch : int
        Where the patch begins, counted from there too.

    Examples
    --------
    >>> spans((0, 4, 8), 0, 5, -3)
    ((0, slice(0, 4, None), slice(3, 7, None)), (1, slice(0, 1, None), slice(7, 8, None)))
    """
    common = ((tile, a, max(lo, a), min(hi, b)) for tile, (a, b) in enumerate(itertools.pairwise(cuts)))
    return tuple((tile, slice(f - a, t - a), slice(f - patch, t - patch)) for tile, a, f, t in common if f < t)


class TiledSums:
    r"""Class sums of one chunk, tile after tile in one stretch of memory.

    Parameters
    ----------
    classes : int
        Length of the class axis.
    cuts : tuple of tuple of int
        See `tile_cuts`, one for each spatial axis.
    flat : torch.Tensor or None
        (class \* voxels,) float32 in the order of the tiles, each (class, \*tile); None makes zeros.
    device : torch.device
        Where zeros are made.

    Examples
    --------
    >>> sums = TiledSums(1, ((0, 2, 4),))
    >>> sums.tiles[1] += 5
    >>> sums.whole()
    tensor([[0., 0., 5., 5.]])
    """

    def __init__(
        self,
        classes: int,
        cuts: tuple[tuple[int, ...], ...],
        flat: torch.Tensor | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self._classes = classes
        self._cuts = cuts
        self.shape = tuple(cut[-1] for cut in cuts)
        self.flat = torch.zeros(classes * math.prod(self.shape), device=device) if flat is None else flat
        self.tiles: list[torch.Tensor] = []
        first = 0
        for box in self.boxes():
            last = first + classes * box.size
            self.tiles.append(self.flat[first:last].view(classes, *box.shape))
            first = last

    @property
    def nbytes(self) -> int:
        """Bytes of the sums."""
        return 4 * self.flat.numel()

    def boxes(self) -> Iterator[Box]:
        """Yield the box of every tile in raster order, counted from the chunk's start."""
        for intervals in itertools.product(*(itertools.pairwise(cut) for cut in self._cuts)):
            yield Box(tuple(a for a, _ in intervals), tuple(b for _, b in intervals))

    def whole(self) -> torch.Tensor:
        r"""Return the sums as a new tensor (class, \*chunk)."""
        whole = self.flat.new_empty((self._classes, *self.shape))
        for tile, box in zip(self.tiles, self.boxes(), strict=True):
            whole[(slice(None), *box.slices)] = tile
        return whole
