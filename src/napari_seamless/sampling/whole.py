"""Patches into an output that is kept in memory as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import GeometryError
from napari_seamless.sampling.arrays import Array, Backend, is_tensor
from napari_seamless.sampling.sums import WeightedSums
from napari_seamless.types import Box

if TYPE_CHECKING:
    from napari_seamless.sampling.layout import Layout


class WholeOutput:
    """Sums over the whole output.

    Parameters
    ----------
    output : array or None
        Where the result may be written; floats of 32 or 64 bits in memory hold the sums themselves.
    shape : tuple of int
        Shape of the output.
    layout : Layout
        Where the spatial axes lie.
    backend : Backend
        Library of the sums.
    softmax_dim : int or None
        The axis whose largest index is the result.
    """

    def __init__(
        self, output: Any, shape: tuple[int, ...], layout: Layout, backend: Backend, softmax_dim: int | None
    ) -> None:
        self._output = output
        self._backend = backend
        self._softmax_dim = softmax_dim
        zero = backend.zeros(())
        in_memory = is_tensor(output) or isinstance(output, np.ndarray)
        self._shares = in_memory and output.dtype == zero.dtype
        if self._shares:
            output[...] = 0
        self._sums = output if self._shares else backend.zeros(shape)
        spatial = layout.spatial(shape)
        self._weighted = WeightedSums(Box((0,) * len(spatial), spatial), self._sums, layout, backend)
        self._final = False

    def add(self, weighted: Array, weights: Array, box: Box) -> None:
        """Add a patch.

        Raises
        ------
        GeometryError
            The output was already divided in place.
        """
        if self._final:
            raise GeometryError("No patch can be appended after get_output(inplace=True); make a new Aggregator.")
        self._weighted.add(weighted, weights, box)

    def result(self, *, inplace: bool) -> Any:
        """Return the mean, or the index of the largest sum; into the output where `inplace`."""
        if self._softmax_dim is not None:
            return self._sums.argmax(self._softmax_dim)
        if not inplace:
            mean = self._sums + 0 if self._final else self._weighted.mean()
            return mean if self._output is None else self._as_output(mean)
        if not self._final:
            self._weighted.mean(inplace=True)
            self._final = True
            if self._output is not None and not self._shares:
                self._output[...] = self._as_output(self._sums)
        return self._sums if self._output is None else self._output

    def _as_output(self, mean: Array) -> Array:
        return self._backend.cast(mean, self._output.dtype)
