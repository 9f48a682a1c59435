"""Where pieces touch, and how deep the foreground is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.instances.neighbours import neighbour_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = np.ndarray[Any, Any]

_LISTED = 2**16
"""Pairs of voxels that are listed before equal ones are put together: bounds the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """Pairs of pieces that touch, each once.

    Parameters
    ----------
    one, other : numpy.ndarray
        (pair,) int64: numbers of pieces, the smaller one first.
    heights : numpy.ndarray
        (pair,) float32: the highest pass between the two, the largest of the lesser depths of two neighbouring voxels.
    """

    one: Array
    other: Array
    heights: Array

    @classmethod
    def of(cls, labels: Array, depth: Array | None, connectivity: int) -> Contacts:
        """Find the contacts in an array.

        Parameters
        ----------
        labels : numpy.ndarray
            (z, y, x) int64: 0 for background, else the number of a piece, counted from 1 on.
        depth : numpy.ndarray or None
            (z, y, x) float32; None: heights are 0.
        connectivity : int
            1 for neighbours that share a face, 2 an edge, 3 a corner.

        Returns
        -------
        Contacts
            Pieces are counted from 0 on.

        Examples
        --------
        >>> found = Contacts.of(np.array([[[1, 1, 2, 0, 3]]]), np.float32([[[4, 3, 2, 0, 9]]]), 1)
        >>> found.one.tolist(), found.other.tolist(), found.heights.tolist()
        ([0], [1], [2.0])
        """
        from napari_seamless.instances import kernels

        steps = neighbour_steps(connectivity, forward=True)
        field = np.empty((0, 0, 0), np.float32) if depth is None else depth
        one, other = np.empty(_LISTED, np.int64), np.empty(_LISTED, np.int64)
        heights = np.empty(_LISTED, np.float32)
        parts, position = [], 0
        while position < labels.size:
            count, position = kernels.touch(labels, field, steps, position, one, other, heights)
            parts.append(cls.strongest(one[:count] - 1, other[:count] - 1, heights[:count]))
        return cls.together(parts)

    @classmethod
    def strongest(cls, one: Array, other: Array, heights: Array) -> Contacts:
        """Keep each pair once, in either order, with its largest height."""
        low, high = np.minimum(one, other), np.maximum(one, other)
        order = np.lexsort((-heights, high, low))
        low, high, heights = low[order], high[order], heights[order]
        new = np.ones(len(low), np.bool_)
        new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
        return cls(low[new], high[new], heights[new])

    @classmethod
    def together(cls, parts: Sequence[Contacts]) -> Contacts:
        """Return the contacts of several arrays."""
        if not parts:
            return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        one, other, heights = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("one", "other", "heights")
        )
        return cls.strongest(one, other, heights)

    def between(self, group: Array) -> Contacts:
        """Return the contacts of groups: ``group[piece]`` is the group of a piece."""
        one, other = group[self.one], group[self.other]
        apart = one != other
        return self.strongest(one[apart], other[apart], self.heights[apart])
