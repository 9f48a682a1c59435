"""A copy of a network that can be trained and looked at by turns."""

from __future__ import annotations

import copy
import dataclasses
import threading
from typing import TYPE_CHECKING

import torch

from napari_seamless.engine.network_call import check_shape
from napari_seamless.errors import ModelError
from napari_seamless.models import TorchModel, is_out_of_memory
from napari_seamless.models.adapter import module_hash
from napari_seamless.training.history import load_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari_seamless.types import Model

Weights = dict[str, torch.Tensor]


class TrainableNetwork:
    """A trainable copy of a network; the one that was given stays as it is.

    It stays in evaluation mode: the running statistics of batch normalisation and dropout are for many large batches,
    and a few patches around a correction would spoil them. Its weights and biases, those of normalisation too, are
    trained.

    Parameters
    ----------
    model : Model
        Holds a torch module, TorchScript too, with weights that have gradients.
    device : torch.device
        Where the copy is.

    Raises
    ------
    ModelError
        It has no such weights.
    """

    def __init__(self, model: Model, device: torch.device) -> None:
        module = model.network if isinstance(model, TorchModel) else None
        if not isinstance(module, torch.nn.Module):
            raise ModelError(
                f"The network {model.spec.name} is a function and has no weights to train; load a torch module or a "
                "TorchScript file."
            )
        self.spec = model.spec
        self.device = device
        self.lock = threading.Lock()
        """Held while weights change or are copied."""
        self.module: torch.nn.Module = _copy(module).to(device).eval()
        for parameter in self.parameters():
            parameter.requires_grad_(True)
        if not self.parameters():
            raise ModelError(
                f"The network {model.spec.name} has no weights to train; a frozen TorchScript file must be saved anew "
                "from the network that it was made of."
            )

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return the weights that can have gradients."""
        return [p for p in self.module.parameters() if p.is_floating_point()]

    def logits(self, batch: torch.Tensor) -> torch.Tensor:
        """Evaluate a batch as a loss wants it: without the activation, float32.

        Raises
        ------
        ModelError
            The network fails, or returns another shape.
        """
        try:
            output: torch.Tensor = self.module(batch.to(self.device))
        except Exception as error:  # a foreign network may raise anything
            if is_out_of_memory(error):
                raise
            raise ModelError(
                f"The network {self.spec.name} fails on a batch of shape {tuple(batch.shape)} "
                f"({type(error).__name__}: {error}); check its channels and the patch size."
            ) from error
        check_shape(output, tuple(batch.shape), self.spec.name)
        return output.float()

    def to(self, device: torch.device) -> None:
        """Move it to a device."""
        with self.lock:
            self.device = device
            self.module.to(device)

    def copy_weights(self) -> Weights:
        """Return a copy of weights and buffers on their device."""
        with self.lock:
            return {name: value.detach().clone() for name, value in self.module.state_dict().items()}

    def load(self, weights: Mapping[str, torch.Tensor], name: str) -> None:
        """Take over weights; see `load_weights`."""
        with self.lock:
            load_weights(self.module, weights, name)

    def update(self, step: Callable[[], object]) -> None:
        """Let an optimiser change the weights while nobody copies them."""
        with self.lock:
            step()

    def model(self) -> TorchModel:
        """Return a copy as it is now; training goes on without changing it."""
        with self.lock:
            module = _copy(self.module)
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        return TorchModel(module, dataclasses.replace(self.spec, sha256=module_hash(module)))


def _copy(module: torch.nn.Module) -> torch.nn.Module:
    with torch.no_grad():  # copies of TorchScript would else remember what they were copied from
        return copy.deepcopy(module)
