"""Smoothed losses, and the weights where they were lowest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_seamless.training.trainable import TrainableNetwork, Weights

KEPT = 0.9
"""Part of a smoothed loss that stays with the next value."""
TRUSTED = 10
"""Values after which a smoothed loss says something."""


class Smoothed:
    """An exponential mean, corrected for its start.

    Examples
    --------
    >>> loss = Smoothed()
    >>> loss.add(2.0)
    >>> loss.add(2.0)
    >>> loss.value
    2.0
    """

    def __init__(self) -> None:
        self._sum = self._weight = 0.0
        self.n = 0

    @property
    def value(self) -> float:
        """The mean; NaN before the first value."""
        return self._sum / self._weight if self.n else math.nan

    def add(self, value: float) -> None:
        """Take the next value."""
        self._sum = KEPT * self._sum + (1 - KEPT) * value
        self._weight = KEPT * self._weight + (1 - KEPT)
        self.n += 1


class BestWeights:
    """Remember the weights of a network where the smoothed loss was lowest.

    New paint is a new task with a higher loss at first, so it starts anew: what was best before does not know it.
    """

    def __init__(self, network: TrainableNetwork) -> None:
        self._network = network
        self.restart()

    def restart(self) -> None:
        """Forget what was best so far."""
        self.loss = math.inf
        self._weights: Weights | None = None

    def look(self, smoothed: Smoothed) -> bool:
        """Keep the weights if they are the best so far; return whether they are."""
        if smoothed.n < TRUSTED or smoothed.value > self.loss:
            return False
        self.loss = smoothed.value
        self._weights = self._network.copy_weights()
        return True

    def restore(self) -> None:
        """Put the best weights back; the last ones stay where none are trusted yet."""
        if self._weights is not None:
            self._network.load(self._weights, "the best step")
