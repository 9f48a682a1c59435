"""Which pieces are one instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.instances.maxima import separate_maxima

if TYPE_CHECKING:
    from napari_seamless.instances.contacts import Contacts

Array = np.ndarray[Any, Any]


def connected_groups(count: int, one: Array, other: Array) -> Array:
    """Unite what pairs connect.

    Parameters
    ----------
    count : int
        Members.
    one, other : numpy.ndarray
        (pair,) int64.

    Returns
    -------
    numpy.ndarray
        (count,) int64: the smallest member of the group of each.

    Examples
    --------
    >>> connected_groups(5, np.array([4, 1]), np.array([1, 3])).tolist()
    [0, 1, 2, 1, 1]
    """
    from napari_seamless.instances import kernels

    parents = np.arange(count, dtype=np.int64)
    kernels.join(parents, one, other)
    kernels.flatten(parents)
    return parents


@dataclass(frozen=True, slots=True, eq=False)
class Basins:
    """The basins of the whole volume: a maximum, and all pieces that climb to it.

    Parameters
    ----------
    of_piece : numpy.ndarray
        (piece,) int64: the basin of each; basins are in raster order of their maxima.
    maxima : numpy.ndarray
        (basin, axis) float64: place of the maximum in physical units.
    heights : numpy.ndarray
        (basin,) float32: depth there.
    """

    of_piece: Array
    maxima: Array
    heights: Array

    @staticmethod
    def of_pieces(exits: tuple[Array, Array], ends: Array, tops: Array) -> Array:
        """Return the basin of each piece.

        Parameters
        ----------
        exits : (numpy.ndarray, numpy.ndarray)
            (exit,) int64: a piece that leaves its block, and the one that it leads to.
        ends : numpy.ndarray
            (piece,) int64: raster index in the volume of the end of each piece.
        tops : numpy.ndarray
            (basin,) int64: the pieces that end at a maximum, one for each basin.

        Returns
        -------
        numpy.ndarray
            (piece,) int64, in raster order of the maxima.
        """
        joined = connected_groups(len(ends), *exits)
        basin = np.empty(len(ends), np.int64)
        basin[joined[tops[np.argsort(ends[tops])]]] = np.arange(len(tops))
        return basin[joined]

    def flooded(self, contacts: Contacts, min_distance: float | None) -> Array:
        """Unite basins around the maxima that count: the minimum spanning forest of the basins.

        Passes between basins are opened from the highest down, but never one between two that hold a maximum that
        counts. This is what flooding from these maxima does with whole basins (J. Cousty, G. Bertrand, L. Najman,
        M. Couprie, IEEE Transactions on Pattern Analysis and Machine Intelligence 31(8), 2009, which shows that
        watersheds are the cuts of such forests). Of passes of the same height the one between the first basins comes
        first.

        Parameters
        ----------
        contacts : Contacts
            Of pieces.
        min_distance : float or None
            See `separate_maxima`.

        Returns
        -------
        numpy.ndarray
            (piece,) int64: the same number for pieces of one instance.
        """
        from napari_seamless.instances import kernels

        passes = contacts.between(self.of_piece)
        component = connected_groups(len(self.heights), passes.one, passes.other)
        seeded = separate_maxima(self.maxima, self.heights, component, min_distance)
        order = np.lexsort((passes.other, passes.one, -passes.heights))
        parents = np.arange(len(self.heights), dtype=np.int64)
        kernels.flood(parents, seeded, passes.one[order], passes.other[order])
        kernels.flatten(parents)
        flooded: Array = parents[self.of_piece]
        return flooded
