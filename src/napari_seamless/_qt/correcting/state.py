"""What the correcting dock knows beside the choices of volume and network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from psygnal import evented

from napari_seamless._qt.correcting.session import Session
from napari_seamless.training.history import State


@dataclass(frozen=True, slots=True)
class LossPoint:
    """Losses at one moment of a refinement; the second is NaN without rehearsal."""

    step: int
    painted: float
    rehearsal: float


@evented
@dataclass
class CorrectingState:
    """What was opened and learnt; ``state.events.NAME`` tells of every change.

    Parameters
    ----------
    folder : str
        Where corrections are kept; empty for the default.
    session : Session or None
        What is open.
    states : tuple of State
        The states of the network, oldest first.
    current : int or None
        Number of the state that the network is in.
    dice : dict of int to float
        Dice on painted voxels by the number of a state.
    losses : tuple of LossPoint
        Of the last refinement.
    performance : numpy.ndarray or None
        Error rate by the coordinate in the patch (\\*patch), NaN where nothing was seen.
    measured : Any
        State of a `PatchPerformance`, which is saved with the network.
    revision : int
        Grows when the network has changed.
    """

    folder: str = ""
    session: Session | None = None
    states: tuple[State, ...] = ()
    current: int | None = None
    dice: dict[int, float] | None = None
    losses: tuple[LossPoint, ...] = ()
    performance: np.ndarray | None = None
    measured: Any = None
    revision: int = 0

    def look_at_states(self) -> None:
        """Read the states of the network anew."""
        session = self.session
        self.states = () if session is None else session.history.states()
        state = None if session is None else session.refiner.state
        self.current = None if state is None else state.number
