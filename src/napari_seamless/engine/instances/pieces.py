"""What is known of all pieces: a few numbers for each, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.engine.instances.layout import Layout

Array = np.ndarray[Any, Any]

_PIECE_BYTES = 200
"""What a piece takes, and its contacts with the others, while instances are joined."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pieces:
    """The pieces of all blocks, block after block.

    Parameters
    ----------
    sizes, firsts : numpy.ndarray
        (piece,) int64: voxels, and raster index in the volume of the first one.
    ends : numpy.ndarray
        (piece,) int64: raster index in the volume of the voxel that a basin's piece climbs to; empty for components.
    heights : numpy.ndarray
        (piece,) float32: the depth there; empty for components.
    starts : numpy.ndarray
        (block + 1,) int64: the first piece of each block, and the number of all.
    """

    sizes: Array
    firsts: Array
    ends: Array
    heights: Array
    starts: Array

    @classmethod
    def together(cls, parts: Sequence[Pieces]) -> Pieces:
        """Return the pieces of all blocks."""
        columns = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("sizes", "firsts", "ends", "heights")
        }
        starts = np.concatenate([[0], np.cumsum([len(part.sizes) for part in parts])]).astype(np.int64)
        return cls(**columns, starts=starts)

    @staticmethod
    def check_room(count: int, budget: int) -> None:
        """Refuse more pieces than the memory has room for.

        Raises
        ------
        SettingsError
            There are too many.
        """
        if count * _PIECE_BYTES > budget:
            raise SettingsError(
                f"memory_budget is {budget // 2**20} MiB, but joining more than {count} pieces of instances needs "
                f"more than {count * _PIECE_BYTES // 2**20} MiB; raise the budget, or smooth the labels first."
            )

    def exits(self, layout: Layout) -> Array:
        """Return the pieces that climb out of their block.

        Returns
        -------
        numpy.ndarray
            (exit, 2) int64: number of the block that it leads to, ascending, and the piece.
        """
        if self.ends.size == 0:
            return np.empty((0, 2), np.int64)
        own = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        into = layout.blocks_of(self.ends)
        (leaving,) = np.nonzero(own != into)
        leaving = leaving[np.argsort(into[leaving], kind="stable")]
        return np.stack([into[leaving], leaving], 1)
