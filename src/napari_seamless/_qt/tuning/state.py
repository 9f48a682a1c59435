"""What the tuning dock knows beside the choices of volume, network and region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psygnal import evented

from napari_seamless.engine.tuning import Advice, Candidate, Point, Tuner


@evented
@dataclass
class TuningState:
    """What was evaluated and what is looked at; ``state.events.NAME`` tells of every change.

    Parameters
    ----------
    truth : napari.layers.Layer or None
        Shows the reference labels.
    tuner : Tuner or None
        Keeps the predictions of the region.
    candidate : Candidate
        The setting that is looked at.
    kept : Candidate or None
        The setting A of a comparison.
    points : tuple of Point
        What is known so far, in the order in which it came.
    advice : Advice or None
        The recommendation among the points.
    revision : int
        Grows when there are more predictions than before.
    """

    truth: Any = None
    tuner: Tuner | None = None
    candidate: Candidate = Candidate((64,))  # noqa: RUF009  frozen
    kept: Candidate | None = None
    points: tuple[Point, ...] = ()
    advice: Advice[Point] | None = None
    revision: int = 0

    def point(self) -> Point | None:
        """Return what is known of the setting that is looked at."""
        return next((point for point in self.points if point.candidate == self.candidate), None)
