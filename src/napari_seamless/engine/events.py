"""What a run tells while it goes on; called from the engine's threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_seamless.engine.result import Segmentation
    from napari_seamless.types import Box, Plan, Volume


@dataclass(frozen=True, slots=True)
class Measuring:
    """The intensities of the whole volume are being measured for normalisation, before the first patch.

    Parameters
    ----------
    done, total : int
        Blocks of the volume.
    """

    done: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class Started:
    """The output exists and is about to fill.

    Parameters
    ----------
    plan : Plan
        Geometry of the run.
    volume : Volume
        The output; zeros where nothing is finished yet.
    """

    plan: Plan
    volume: Volume


@dataclass(frozen=True, slots=True)
class Progress:
    """A batch is done.

    Parameters
    ----------
    done, total : int
        Patches; patches that an earlier run finished count as done.
    seconds : mapping of str to float
        Busy time of each stage so far.
    """

    done: int
    total: int
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ChunkWritten:
    """A chunk of the output is stored and can be read.

    Parameters
    ----------
    box : Box
        Its voxels in the finest level.
    """

    box: Box


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person should know; the run goes on."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """The run is complete."""

    result: Segmentation


Event = Measuring | Started | Progress | ChunkWritten | Warned | Finished
OnEvent = Callable[[Event], None]


def ignore_event(event: Event) -> None:
    """Take an event that nobody asked for, such as those of a task whose result alone travels."""
