"""An output that stays in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.types import Box, Level, Volume

if TYPE_CHECKING:
    from napari_seamless.sinks.sink import OutputSpec


class MemorySink:
    """Collect the finished chunks in one NumPy array of zeros.

    Parameters
    ----------
    spec : OutputSpec
        The output.
    """

    def __init__(self, spec: OutputSpec) -> None:
        self.path: str | None = None
        self._unit = spec.chunk
        self._array = np.zeros((*spec.leading, *spec.shape), dtype=spec.dtype)
        self.volume = Volume(
            name=spec.name,
            axes=spec.all_axes,
            levels=(Level(data=self._array, spacing=spec.spacing, translation=spec.translation),),
            units=spec.units,
            channels=spec.channel_names,
            is_labels=spec.is_labels,
            label_names=spec.label_names,
        )

    @property
    def unit(self) -> tuple[int, ...]:
        """Voxels of a chunk."""
        return self._unit

    def write(
        self,
        index: tuple[int, ...],
        box: Box,
        block: np.ndarray[Any, Any],
    ) -> tuple[tuple[int, ...], ...]:
        r"""Store one finished chunk: (\\*leading, \\*box.shape)."""
        place: tuple[Any, ...] = (..., *box.slices)
        self._array[place] = block
        return (index,)

    def record(self, index: tuple[int, ...]) -> None:
        """Do nothing: memory cannot be resumed."""

    def flush(self) -> tuple[tuple[int, ...], ...]:
        """Do nothing: no chunk waits."""
        return ()

    def finish(self) -> None:
        """Do nothing: the array is complete."""

    def close(self) -> None:
        """Do nothing: the array is what the run was for."""
