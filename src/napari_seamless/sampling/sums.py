"""Weighted sums of patches over one box: the whole output, or one chunk of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_seamless.sampling.arrays import Array, Backend
    from napari_seamless.sampling.layout import Layout
    from napari_seamless.types import Box


class WeightedSums:
    """Add patches, then divide by their weights.

    Parameters
    ----------
    box : Box
        The spatial part of the output that is summed.
    sums : array
        Zeros in the shape of the box and all other axes of a patch.
    layout : Layout
        Where the spatial axes lie.
    backend : Backend
        Library of `sums`.
    """

    def __init__(self, box: Box, sums: Array, layout: Layout, backend: Backend) -> None:
        self._box = box
        self._sums = sums
        self._layout = layout
        self._backend = backend
        self._weights = backend.zeros(box.shape)

    def add(self, weighted: Array, weights: Array, box: Box) -> None:
        """Add the part of a patch that lies in the box.

        Parameters
        ----------
        weighted : array
            The patch times its weights.
        weights : array
            One weight for each voxel of the patch.
        box : Box
            Where the patch lies; may reach beyond the box of the sums.
        """
        common = box.intersect(self._box)
        if common.size == 0:
            return
        there, here = common.within(box.start), common.within(self._box.start)
        self._sums[self._layout.key(here, self._sums.ndim)] += weighted[self._layout.key(there, weighted.ndim)]
        self._weights[here.slices] += weights[there.slices]

    def mean(self, *, inplace: bool = False) -> Array:
        """Return the weighted mean at each voxel, 0 where there is no patch."""
        weights: Any = self._layout.spread(self._weights, self._sums.ndim)
        return self._backend.divide(self._sums, weights, inplace=inplace)
