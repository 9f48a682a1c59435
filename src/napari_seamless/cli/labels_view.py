"""Labels of stored probabilities, made where they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_seamless.types import Volume


class LabelsView:
    """An array of labels over an array of class probabilities; no more is read than is asked for.

    Parameters
    ----------
    probabilities : Volume
        Axes c and then the spatial ones; values in [0, 1].
    threshold : float
        Probability above which a voxel of a single class is foreground.
    """

    def __init__(self, probabilities: Volume, threshold: float) -> None:
        self._data = probabilities.data
        self._threshold = threshold
        self.shape = probabilities.spatial_shape
        self.dtype = np.dtype(np.uint16)
        chunks = getattr(self._data, "chunks", None)
        self.chunks = None if chunks is None else tuple(chunks[1:])

    def __getitem__(self, key: Any, /) -> Any:
        """Read the probabilities of a block and return its labels."""
        block = np.asarray(self._data[(slice(None), *key)])
        if len(block) == 1:
            return (block[0] > self._threshold).astype(self.dtype)
        return block.argmax(axis=0).astype(self.dtype)
