"""What the network returned for each patch, as far as it lies in the region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from napari_seamless.engine.tuning.spill import Place, Spill
from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_seamless.types import Box

FloatArray = np.ndarray[Any, np.dtype[np.float32]]

_MOST_BYTES = 4 * 2**30


def default_cache_bytes() -> int:
    """Return how much the predictions may take: a quarter of what is free, 4 GiB at most."""
    return min(_MOST_BYTES, int(psutil.virtual_memory().available) // 4)


class Predictions:
    r"""Un-blended outputs of the network by the box of their patch, cut to a region.

    What is beyond the budget goes to disk; nothing that is held moves, because a blend goes through all of them.

    Parameters
    ----------
    region : Box
        What is kept.
    budget : int
        Bytes in memory, > 0.
    """

    def __init__(self, region: Box, budget: int) -> None:
        if budget < 1:
            raise SettingsError(f"cache_bytes must be at least 1, got {budget}; try {default_cache_bytes()}.")
        self._region = region
        self._budget = budget
        self._held: dict[Box, FloatArray | Place] = {}
        self._spill = Spill()
        self.held_bytes = 0
        """Bytes in memory."""
        self.spilled_bytes = 0
        """Bytes on disk."""

    def __contains__(self, patch: Box) -> bool:
        """Tell whether a patch was evaluated."""
        return patch in self._held

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self._held)

    def check_room(self, patches: Iterable[Box], classes: int) -> None:
        """Refuse what neither memory nor disk will hold.

        Raises
        ------
        StorageError
            See `Spill.check_room`.
        """
        wanted = 4 * classes * sum(patch.intersect(self._region).size for patch in patches)
        beyond = wanted - max(0, self._budget - self.held_bytes)
        if beyond > 0:
            self._spill.check_room(beyond)

    def add(self, patch: Box, values: FloatArray) -> None:
        r"""Keep what lies in the region.

        Parameters
        ----------
        patch : Box
            Where the patch lies; it shares a voxel with the region.
        values : numpy.ndarray
            (class, \*patch) float32.

        Raises
        ------
        StorageError
            It exceeds the budget and cannot be written.
        """
        part = values[(slice(None), *patch.intersect(self._region).within(patch.start).slices)]
        if self.held_bytes + part.nbytes <= self._budget:
            self._held[patch] = part.copy()
            self.held_bytes += part.nbytes
        else:
            self._held[patch] = self._spill.save(part)
            self.spilled_bytes += part.nbytes

    def get(self, patch: Box) -> FloatArray | None:
        r"""Return (class, \*common) float32, what patch and region have in common; None where it was not evaluated.

        Do not write to it.
        """
        held = self._held.get(patch)
        return self._spill.load(held) if isinstance(held, Place) else held

    def close(self) -> None:
        """Drop everything, in memory and on disk."""
        self._held.clear()
        self.held_bytes = self.spilled_bytes = 0
        self._spill.close()
