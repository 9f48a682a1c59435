"""What a training tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Preparing:
    """Something is being read before the first step.

    Parameters
    ----------
    what : str
        Such as ``"reading labels"``.
    done, total : int
        Blocks.
    """

    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StepDone:
    """The weights have changed once.

    Parameters
    ----------
    epoch, step, steps : int
        Epoch and step in it, counted from 0, and steps of an epoch.
    loss : float
        Of the batch.
    """

    epoch: int
    step: int
    steps: int
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochDone:
    """An epoch has ended, and its checkpoint is written.

    Parameters
    ----------
    epoch : int
        Counted from 0.
    loss : float
        Mean over the steps.
    region_weight, boundary_weight, learning_rate : float
        What the epoch used.
    seconds : float
        Wall time, with validation.
    dice : mapping of str to (float or None), or None
        Score of each class but the background on the validation volumes; None for a class that is in none. None where
        the epoch had no validation.
    is_best : bool
        Whether the network of this epoch is the one that is kept.
    """

    epoch: int
    loss: float
    region_weight: float
    boundary_weight: float
    learning_rate: float
    seconds: float
    dice: Mapping[str, float | None] | None = None
    is_best: bool = False

    @property
    def mean_dice(self) -> float | None:
        """Mean over the classes that occur; None without validation."""
        if self.dice is None:
            return None
        scores = [score for score in self.dice.values() if score is not None]
        return sum(scores) / len(scores) if scores else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        return asdict(self)


TrainingEvent = Preparing | StepDone | EpochDone
OnTrainingEvent = Callable[[TrainingEvent], None]


def ignore_training_event(event: TrainingEvent) -> None:
    """Take an event that nobody asked for."""
