"""Errors by patch coordinate over the latest epochs."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from napari_seamless.quality import PatchPerformance

if TYPE_CHECKING:
    import torch

MEASURE = "error_rate_with_logits"


class RecentPerformance:
    r"""The error rate at each coordinate of the training patches, over a number of latest epochs.

    Parameters
    ----------
    epochs : int
        Epochs that count, the one that goes on among them.

    Examples
    --------
    >>> import torch
    >>> recent = RecentPerformance(1)
    >>> for label in (0, 1):
    ...     recent.begin_epoch()
    ...     recent.observe(torch.tensor([[[1.0], [0.0]]]), torch.tensor([[label]]))
    >>> recent.merged().mean.tolist()
    [1.0]
    """

    def __init__(self, epochs: int) -> None:
        self._epochs: deque[PatchPerformance] = deque(maxlen=epochs)

    def begin_epoch(self) -> None:
        """Start the next epoch and forget the oldest one beyond the number."""
        self._epochs.append(PatchPerformance(MEASURE))

    def observe(self, logits: torch.Tensor, labels: torch.Tensor) -> None:
        r"""Add a batch: logits (batch, class, \*patch), and labels (batch, \*patch), -1 where none counts."""
        self._epochs[-1].observe(logits, labels)

    def merged(self) -> PatchPerformance:
        """Return the errors of all epochs that count."""
        total = PatchPerformance(MEASURE)
        for epoch in self._epochs:
            total.merge(epoch)
        return total

    def state_dict(self) -> list[dict[str, Any]]:
        """Return plain values and tensors for a checkpoint."""
        return [epoch.state_dict() for epoch in self._epochs]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Take over what `state_dict` returned."""
        self._epochs.clear()
        for values in state:
            self.begin_epoch()
            self._epochs[-1].load_state_dict(values)
