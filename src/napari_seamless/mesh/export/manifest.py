"""The index of a segment: which cells there are at each level of detail, and how long their bytes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of detail as the index has it.

    Parameters
    ----------
    scale : float
        Typical length of its details; no smaller than that of the level before.
    cells : numpy.ndarray
        (cell, 3) numbers along x, y, z, in the order of the Z curve.
    sizes : list of int
        Bytes of each; 0 where a cell holds nothing.
    """

    scale: float
    cells: Array
    sizes: list[int]


def manifest(origin: Array, cell: Array, levels: Sequence[Level]) -> bytes:
    """Return the bytes of an index, all little-endian with 32 bits.

    Parameters
    ----------
    origin, cell : numpy.ndarray
        (3,) float32: corner of the grid and size of a cell at the finest level, along x, y, z.
    levels : sequence of Level
        The finest first.
    """
    n = len(levels)
    pieces: list[tuple[str, Any]] = [
        ("<f4", cell),
        ("<f4", origin),
        ("<u4", [n]),
        ("<f4", [level.scale for level in levels]),
        ("<f4", np.zeros((n, 3))),
        ("<u4", [len(level.sizes) for level in levels]),
    ]
    for level in levels:
        pieces += [("<u4", level.cells.T), ("<u4", level.sizes)]
    return b"".join(np.asarray(values).astype(dtype).tobytes() for dtype, values in pieces)
