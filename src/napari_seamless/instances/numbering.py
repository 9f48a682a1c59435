"""The numbers of instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Numbering:
    """Instances numbered 1 to n by the raster order of their first voxels, whatever the pieces were.

    Parameters
    ----------
    numbers : numpy.ndarray
        (piece,) uint64: the instance of each piece, 0 where it is dropped.
    count : int
        Instances.
    dropped : int
        Instances that were too small.
    """

    numbers: Array
    count: int
    dropped: int

    @classmethod
    def of(cls, group: Array, firsts: Array, sizes: Array, min_size: int) -> Numbering:
        """Give numbers to groups of pieces.

        Parameters
        ----------
        group : numpy.ndarray
            (piece,) int64: the same for pieces of one instance.
        firsts : numpy.ndarray
            (piece,) int64: raster index in the volume of the first voxel.
        sizes : numpy.ndarray
            (piece,) int64: voxels.
        min_size : int
            Instances of fewer voxels are dropped.

        Returns
        -------
        Numbering

        Examples
        --------
        >>> found = Numbering.of(np.array([7, 3, 7, 5]), np.array([9, 4, 2, 0]), np.array([5, 6, 1, 1]), 2)
        >>> found.numbers.tolist(), found.count, found.dropped
        ([1, 2, 1, 0], 2, 1)
        """
        groups, member = np.unique(group, return_inverse=True)
        first = np.full(len(groups), np.iinfo(np.int64).max)
        size = np.zeros(len(groups), np.int64)
        np.minimum.at(first, member, firsts)
        np.add.at(size, member, sizes)
        kept = np.flatnonzero(size >= min_size)
        numbers = np.zeros(len(groups), np.uint64)
        numbers[kept[np.argsort(first[kept])]] = np.arange(1, len(kept) + 1, dtype=np.uint64)
        return cls(numbers[member], len(kept), len(groups) - len(kept))


def number_type(count: int) -> np.dtype[Any]:
    """Return the type of numbers up to `count`.

    Examples
    --------
    >>> number_type(2**32 - 1), number_type(2**32)
    (dtype('uint32'), dtype('uint64'))
    """
    return np.dtype(np.uint32 if count < 2**32 else np.uint64)
