"""How much the boundary loss weighs beside the region loss, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from napari_seamless.errors import SettingsError

ScheduleKind = Literal["constant", "increase", "rebalance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Weights of region and boundary loss by epoch.

    H. Kervadec et al., "Boundary loss for highly unbalanced segmentation", Medical Image Analysis 2021. With
    ``alpha = min(start + step * epoch, cap)``: *constant* is 1 and `start`; *increase* is 1 and alpha; *rebalance* is
    1 - alpha and alpha.

    Parameters
    ----------
    kind : {"constant", "increase", "rebalance"}
        How the weights move.
    start : float
        alpha of epoch 0.
    step : float
        What each epoch adds.
    cap : float
        Largest alpha; at most 1 for *rebalance*.

    Raises
    ------
    SettingsError
        A number is negative, or a name is unknown.

    Examples
    --------
    >>> [Schedule(start=0.25, step=0.25, cap=0.75).weights(epoch) for epoch in (0, 1, 9)]
    [(0.75, 0.25), (0.5, 0.5), (0.25, 0.75)]
    """

    kind: ScheduleKind = "rebalance"
    start: float = 0.01
    step: float = 0.01
    cap: float = 0.9

    def __post_init__(self) -> None:
        if self.kind not in get_args(ScheduleKind):
            raise SettingsError(f"schedule must be one of {', '.join(get_args(ScheduleKind))}, got {self.kind!r}.")
        if min(self.start, self.step, self.cap) < 0 or (self.kind == "rebalance" and max(self.start, self.cap) > 1):
            raise SettingsError(
                "start, step and cap of a schedule must not be negative, and start and cap of rebalance at most 1, got "
                f"{self.start:g}, {self.step:g} and {self.cap:g}."
            )

    def weights(self, epoch: int) -> tuple[float, float]:
        """Return the weights of region and boundary loss in an epoch, counted from 0."""
        if self.kind == "constant":
            return 1.0, self.start
        alpha = min(self.start + self.step * epoch, max(self.start, self.cap))
        return (1.0 - alpha if self.kind == "rebalance" else 1.0), alpha
