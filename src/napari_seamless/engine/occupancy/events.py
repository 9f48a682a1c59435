"""What a run of an OSS-Net tells beside the events of every run; called from the caller's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_seamless.engine.events import ChunkWritten, Measuring, Progress, Warned

if TYPE_CHECKING:
    from napari_seamless.types import Volume


@dataclass(frozen=True, slots=True, eq=False)
class OccupancyStarted:
    """The output exists and is about to fill.

    Parameters
    ----------
    volume : Volume
        The output; zeros where nothing was found yet.
    """

    volume: Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEnded:
    """The whole volume has been looked at with one spacing.

    Parameters
    ----------
    spacing : int
        Voxels between its points.
    points : int
        Points on its lattice.
    evaluated : int
        Points that the network answered in this stage.
    inside : int
        Points of the lattice that are inside.
    seconds : float
        Wall time of this stage.
    """

    spacing: int
    points: int
    evaluated: int
    inside: int
    seconds: float


OccupancyEvent = Measuring | OccupancyStarted | Progress | ChunkWritten | StageEnded | Warned
OnOccupancyEvent = Callable[[OccupancyEvent], object]


def ignore(event: OccupancyEvent) -> None:
    """Take an event that nobody asked for."""
