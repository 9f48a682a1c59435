"""What a run of an OSS-Net leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.engine.occupancy.events import StageEnded
    from napari_seamless.types import ArrayLike, Volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OccupancySegmentation:
    """A volume that an OSS-Net segmented.

    Parameters
    ----------
    volume : Volume
        Labels, uint8, with spacing, units and all pyramid levels.
    path : str or None
        The OME-Zarr group; None for a result in memory.
    classes : tuple of str
        Name of each label value.
    stages : tuple of StageEnded
        What each stage did.
    parts : int
        Parts of the volume that were encoded by themselves; 1 where the whole was.
    timings : mapping of str to float
        Seconds: ``encode`` is the time before the first coordinate, ``answer`` that of coordinates and writing,
        ``total`` is wall time.
    peak_memory_bytes : int
        Largest resident memory of the process so far.
    warnings : tuple of str
        What a person should know.
    """

    volume: Volume
    path: str | None
    classes: tuple[str, ...]
    stages: tuple[StageEnded, ...]
    parts: int
    timings: Mapping[str, float]
    peak_memory_bytes: int
    warnings: tuple[str, ...]

    @property
    def array(self) -> ArrayLike:
        """The finest level: (z, y, x) uint8."""
        return self.volume.data

    @property
    def evaluated(self) -> int:
        """Coordinates that the network answered."""
        return sum(stage.evaluated for stage in self.stages)
