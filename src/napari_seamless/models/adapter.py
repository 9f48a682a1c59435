"""Any torch module or callable as a model."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from napari_seamless.errors import ModelError
from napari_seamless.models.out_of_memory import is_out_of_memory
from napari_seamless.types import Activation, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable

_ACTIVATIONS: dict[Activation, Callable[[torch.Tensor], torch.Tensor]] = {
    "none": lambda x: x,
    "softmax": lambda x: x.softmax(dim=1),
    "sigmoid": torch.sigmoid,
}


class TorchModel:
    r"""A torch module or callable behind the model protocol.

    Parameters
    ----------
    network : callable
        Maps float32 (batch, channel, \\*spatial) to (batch, class, \\*spatial); a module is put in evaluation mode.
    spec : ModelSpec
        What the engine must know; its activation is applied to every output.

    Examples
    --------
    >>> model = TorchModel(torch.nn.Identity(), ModelSpec(name="identity"))
    >>> model(torch.zeros(1, 2, 4, 4, 4)).shape
    torch.Size([1, 2, 4, 4, 4])
    """

    def __init__(self, network: Callable[[torch.Tensor], torch.Tensor], spec: ModelSpec) -> None:
        self.spec = spec
        self.network = network
        if isinstance(network, nn.Module):
            network.eval()

    @property
    def is_thread_safe(self) -> bool:
        """Whether several threads may call it at once: true of modules in evaluation mode, unknown of functions."""
        return isinstance(self.network, nn.Module)

    def __getstate__(self) -> tuple[ModelSpec, object]:
        if not isinstance(self.network, torch.jit.ScriptModule):
            return self.spec, self.network
        file = io.BytesIO()
        torch.jit.save(self.network, file)
        return self.spec, file.getvalue()

    def __setstate__(self, state: tuple[ModelSpec, Any]) -> None:
        self.spec, network = state
        if isinstance(network, bytes):
            network = torch.jit.load(io.BytesIO(network))  # type: ignore[no-untyped-call]
        self.network = network

    def to(self, device: torch.device) -> None:
        """Move the weights to a device; a plain callable stays as it is."""
        if isinstance(self.network, nn.Module):
            self.network.to(device)

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Run the network without gradients and apply the activation.

        Raises
        ------
        ModelError
            The network fails on this input, or returns something that is no tensor.
        """
        with torch.inference_mode():
            try:
                output = self.network(batch)
            except Exception as error:  # a foreign network may raise anything
                if is_out_of_memory(error):
                    raise  # the engine answers with smaller batches
                raise ModelError(self._refusal(batch, error)) from error
            if not isinstance(output, torch.Tensor):
                raise ModelError(
                    f"The network {self.spec.name} returned {type(output).__name__} where a tensor "
                    "(batch, class, *spatial) was expected; wrap it so that it returns its final output only."
                )
            return _ACTIVATIONS[self.spec.activation](output.float())

    def _refusal(self, batch: torch.Tensor, error: Exception) -> str:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = next(
            (line for line in reversed(lines) if "Error" in line), lines[-1] if lines else type(error).__name__
        )
        return (
            f"The network {self.spec.name} cannot take a batch of shape {tuple(batch.shape)} "
            f"(batch, channel, *spatial): {reason.rstrip('.')}; check its channels and the patch size."
        )


def wrap_callable(network: Callable[[torch.Tensor], torch.Tensor], *, activation: Activation = "none") -> TorchModel:
    """Wrap a module or callable; what it returns is blended as it is unless an activation is named.

    The spatial axes are those of a module's convolutions, and its channels those of its first layer where that is
    certain to come first, so that a misfit shows before the run; the hash covers its weights.
    """
    name = getattr(network, "__name__", type(network).__name__)
    if not isinstance(network, nn.Module):
        return TorchModel(network, ModelSpec(name=name, activation=activation))
    first = _first_layer(network)
    spec = ModelSpec(
        name=name,
        n_spatial=next((len(m.kernel_size) for m in network.modules() if isinstance(m, _CONVOLUTIONS)), None),
        in_channels=first.in_channels if isinstance(first, _CONVOLUTIONS) else None,
        activation=activation,
        sha256=module_hash(network),
    )
    return TorchModel(network, spec)


_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def _first_layer(network: nn.Module) -> nn.Module:
    """Follow sequences to the layer that sees the input; other modules may call their layers in any order."""
    while isinstance(network, nn.Sequential) and len(network):
        network = network[0]
    return network


def module_hash(module: nn.Module) -> str:
    """Return the SHA-256 of a module's architecture text, parameter names and bytes."""
    digest = hashlib.sha256(repr(module).encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        # as bytes, for NumPy does not know every type that torch has
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
