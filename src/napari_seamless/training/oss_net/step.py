"""One step of a training of occupancies: answers, loss, update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_seamless.errors import ModelError
from napari_seamless.training.oss_net.lookahead import Lookahead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.training.oss_net.settings import OccupancyTrainingSettings
    from napari_seamless.training.oss_net.trainees import Trainee

_REDUCED = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True, kw_only=True)
class OccupancyLoss:
    """What a batch cost.

    Parameters
    ----------
    total, coordinates, head : float
        Their sum, weighted; cross entropy at coordinates; that of the head, 0 where there is none.
    """

    total: float
    coordinates: float
    head: float


class OccupancyStep:
    """Trainee, loss and optimiser together; call it with a batch.

    Parameters
    ----------
    trainee : Trainee
        Moved to the device.
    settings : OccupancyTrainingSettings
        Rates, weights, precision.
    device : torch.device
        Where it computes.
    """

    def __init__(self, trainee: Trainee, settings: OccupancyTrainingSettings, device: torch.device) -> None:
        self.trainee, self.settings, self.device = trainee.to(device), settings, device
        self.reduced = _REDUCED.get(settings.precision)
        if settings.precision == "auto" and device.type == "cuda":
            self.reduced = torch.float16
        inner = torch.optim.RAdam(trainee.parameter_groups(settings))
        self.optimizer = Lookahead(inner, settings.lookahead_steps, settings.lookahead_alpha)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.reduced == torch.float16)

    def set_rates(self, share: float) -> None:
        """Choose the part of the first rates that the next steps have."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * share

    def __call__(self, batch: Mapping[str, Tensor]) -> OccupancyLoss:
        """Answer a batch of `OccupancySamples` and change the weights.

        Raises
        ------
        ModelError
            The loss is not finite; the weights are as before the step.
        """
        here = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
        self.trainee.train()
        self.optimizer.zero_grad()
        with torch.autocast(self.device.type, self.reduced, enabled=self.reduced is not None):
            logits, head = self.trainee(here["voxels"], here["coordinates"])
        at_coordinates = answer_loss(logits, here["labels"])
        at_head = logits.new_zeros(()) if head is None else head_loss(head, here["coarse"])
        loss = at_coordinates + self.settings.head_weight * at_head
        values = [float(part.detach()) for part in (loss, at_coordinates, at_head)]
        if not torch.isfinite(loss.detach()):
            raise ModelError(
                f"The loss became {values[0]}; lower the learning rate, or compute in float32 where 16 bits overflow."
            )
        scaled: Any = self.scaler.scale(loss)
        scaled.backward()
        self.scaler.step(self.optimizer.optimizer)
        self.scaler.update()
        self.optimizer.after_step()
        return OccupancyLoss(total=values[0], coordinates=values[1], head=values[2])

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next step depends on; its tensors change with the next step."""
        return {
            "network": self.trainee.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.trainee.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])


def answer_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross entropy of (batch, n, class) logits against (batch, n) labels; binary for one class."""
    scores = logits.float()
    if scores.shape[-1] == 1:
        return F.binary_cross_entropy_with_logits(scores[..., 0], (labels > 0).float())
    return F.cross_entropy(scores.flatten(0, 1), labels.flatten())


def head_loss(head: Tensor, coarse: Tensor) -> Tensor:
    """Return the mean binary cross entropy of (batch, 1, z, y, x) answers in 0..1 against (batch, z, y, x) labels."""
    return F.binary_cross_entropy(head[:, 0].float(), coarse)
