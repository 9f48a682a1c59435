"""One step of a training: batch, loss, update."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.recipe import Precision
    from napari_seamless.training.losses import WeightedLoss

_REDUCED = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSettings:
    """How weights change.

    Parameters
    ----------
    learning_rate, weight_decay : float
        Of AdamW.
    precision : {"auto", "float32", "bfloat16", "float16"}
        Type that the network computes in, under autocast; the weights are float32. auto: bfloat16 on a GPU that has it,
        else float16 there, float32 elsewhere.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    precision: Precision = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """What a step leaves.

    Parameters
    ----------
    loss : float
        Before the update.
    logits : Tensor
        (batch, class, \\*patch), detached, before the update.
    """

    loss: float
    logits: torch.Tensor


class TrainingStep:
    r"""Network, loss and optimiser together; call it with a batch.

    Parameters
    ----------
    network : torch.nn.Module
        Maps float32 (batch, channel, \*patch) to logits (batch, class, \*patch); moved to the device.
    loss : WeightedLoss
        Of `make_loss`.
    settings : StepSettings
        How weights change.
    device : torch.device
        Where it computes.

    Examples
    --------
    >>> from napari_seamless.training.losses import make_loss
    >>> step = TrainingStep(torch.nn.Conv1d(1, 2, 1), make_loss("cross_entropy"))
    >>> batch = {"image": torch.rand(4, 1, 8), "labels": torch.ones(4, 8, dtype=torch.long)}
    >>> first, last = step(batch).loss, [step(batch).loss for _ in range(20)][-1]
    >>> last < first
    True
    """

    def __init__(
        self,
        network: torch.nn.Module,
        loss: WeightedLoss,
        settings: StepSettings | None = None,
        device: torch.device | None = None,
    ) -> None:
        chosen = settings or StepSettings()
        self.device = device or torch.device("cpu")
        self.network = network.to(self.device)
        self.loss = loss.to(self.device)
        self.reduced = _reduced_type(chosen.precision, self.device)
        weights = [p for p in network.parameters() if p.requires_grad]
        if not weights:
            raise ModelError("The network has no weights to train; give one whose parameters require gradients.")
        self.optimizer = torch.optim.AdamW(weights, lr=chosen.learning_rate, weight_decay=chosen.weight_decay)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.reduced == torch.float16)

    def set_learning_rate(self, rate: float) -> None:
        """Choose the learning rate of the next steps."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def __call__(self, batch: Mapping[str, torch.Tensor]) -> Stepped:
        r"""Evaluate a batch and change the weights.

        Parameters
        ----------
        batch : mapping
            ``image`` (batch, channel, \*patch) float32, ``labels`` (batch, \*patch) integers with -1 where a voxel does
            not count, and ``distances`` (batch, map, \*patch) where the loss needs them.

        Raises
        ------
        ModelError
            The loss is not finite; the weights are as before the step.
        """
        here = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, self.reduced, enabled=self.reduced is not None):
            logits = self.network(here["image"])
        loss = self.loss(logits, here["labels"], here.get("distances"))
        value = float(loss.detach())
        if not torch.isfinite(loss.detach()):
            raise ModelError(
                f"The loss became {value}; lower the learning rate, or compute in float32 where 16 bits overflow."
            )
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return Stepped(loss=value, logits=logits.detach())

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next step depends on; its tensors change with the next step."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a copy of what `state_dict` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self.scaler.load_state_dict(state["scaler"])


def _reduced_type(precision: Precision, device: torch.device) -> torch.dtype | None:
    if precision == "auto":
        if device.type != "cuda":
            return None
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return _REDUCED.get(precision)
