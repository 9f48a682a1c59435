"""Labels of stored probabilities or top classes, made where they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import Volume


class LabelsView:
    """An array of labels over an array of class probabilities; no more is read than is asked for.

    Parameters
    ----------
    probabilities : Volume
        Axes c and then the spatial ones; probabilities in [0, 1], or in 0..255 where they are uint8; or top classes.
    settings : RunSettings
        What was written, and the probability above which a voxel of a single class is foreground.
    """

    def __init__(self, probabilities: Volume, settings: RunSettings) -> None:
        self._data = probabilities.data
        self._ranked = settings.write == "top_classes"
        self._threshold = settings.threshold * (255 if probabilities.dtype == np.uint8 else 1)
        self.shape = probabilities.spatial_shape
        self.dtype = np.dtype(np.uint16)
        chunks = getattr(self._data, "chunks", None)
        self.chunks = None if chunks is None else tuple(chunks[1:])

    def __getitem__(self, key: Any, /) -> Any:
        """Read the probabilities of a block and return its labels."""
        if self._ranked:
            return np.asarray(self._data[(0, *key)]).astype(self.dtype)
        block = np.asarray(self._data[(slice(None), *key)])
        if len(block) == 1:
            return (block[0] > self._threshold).astype(self.dtype)
        return block.argmax(axis=0).astype(self.dtype)
