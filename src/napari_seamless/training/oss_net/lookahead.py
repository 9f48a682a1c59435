"""Lookahead: an optimiser walks ahead, and slow weights follow a part of the way.

M. Zhang, J. Lucas, G. Hinton, J. Ba, *Lookahead optimizer: k steps forward, 1 step back* (NeurIPS 2019).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Lookahead:
    """Wrap an optimiser: every `k` of its steps, slow weights move by `alpha` towards the fast ones and replace them.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        What walks ahead; its parameters as they are become the slow weights.
    k : int
        Steps between two moves of the slow weights, at least 1.
    alpha : float
        Part of the way that the slow weights go, above 0 and at most 1.

    Raises
    ------
    SettingsError
        A number is out of its range.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.zeros(1))
    >>> optimizer = Lookahead(torch.optim.SGD([weight], lr=1.0), k=2, alpha=0.5)
    >>> for _ in range(2):
    ...     weight.grad = -torch.ones(1)
    ...     optimizer.step()
    >>> weight.item()
    1.0
    """

    def __init__(self, optimizer: torch.optim.Optimizer, k: int = 5, alpha: float = 0.8) -> None:
        if k < 1 or not 0 < alpha <= 1:
            raise SettingsError(f"Lookahead needs k of 1 or more and alpha above 0 and at most 1, got {k} and {alpha}.")
        self.optimizer, self.k, self.alpha = optimizer, k, alpha
        self._taken = 0
        self._slow = [weight.detach().clone() for weight in self._weights()]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Groups of the optimiser that walks ahead."""
        return self.optimizer.param_groups

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self.optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def after_step(self) -> None:
        """Count a step of the optimiser that somebody else called, such as a scaler of gradients."""
        self._taken += 1
        if self._taken % self.k:
            return
        for slow, fast in zip(self._slow, self._weights(), strict=True):
            slow.add_(fast - slow, alpha=self.alpha)
            fast.copy_(slow)

    def step(self) -> None:
        """Walk one step, and let the slow weights follow where it is time to."""
        self.optimizer.step()
        self.after_step()

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next step depends on, beside the weights."""
        return {"optimizer": self.optimizer.state_dict(), "taken": self._taken, "slow": self._slow}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a copy of what `state_dict` returned."""
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self._taken = int(state["taken"])
        for slow, kept in zip(self._slow, state["slow"], strict=True):
            slow.copy_(kept)

    def _weights(self) -> Iterator[torch.Tensor]:
        return (weight for group in self.optimizer.param_groups for weight in group["params"])
