"""What a refinement tells while it goes on; called from its thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_seamless.engine.events import Measuring

if TYPE_CHECKING:
    from napari_seamless.quality import PatchPerformance
    from napari_seamless.training.history import State


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refining:
    """How far it is, about every second.

    Parameters
    ----------
    step : int
        Updates so far.
    seconds : float
        Since the first update began.
    loss : float
        Smoothed: that on painted voxels, plus the weighted one of rehearsal.
    painted_loss, rehearsal_loss : float
        Smoothed parts, not weighted; the second is NaN without rehearsal.
    is_best : bool
        Whether no smoothed loss since the last stroke was lower.
    performance : PatchPerformance
        Error rate at painted voxels by the coordinate in the patch, of this refinement so far; it goes on changing.
        Coordinates that nobody has painted have no value.
    """

    step: int
    seconds: float
    loss: float
    painted_loss: float
    rehearsal_loss: float
    is_best: bool
    performance: PatchPerformance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refined:
    """It has ended, and the network has its best weights.

    Parameters
    ----------
    steps : int
        Updates in all.
    seconds : float
        Since the first update began.
    loss : float or None
        Smoothed loss of the weights that are kept; None where there was no update.
    was_stopped : bool
        Whether it was asked to end.
    state : State or None
        Where the weights are in the history; None without one, or without an update.
    """

    steps: int
    seconds: float
    loss: float | None
    was_stopped: bool
    state: State | None = None


RefineEvent = Measuring | Refining | Refined
OnRefineEvent = Callable[[RefineEvent], None]
