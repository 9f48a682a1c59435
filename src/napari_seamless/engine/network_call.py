"""One forward pass: memory layout, precision, compilation, and the shape of what comes back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import torch

from napari_seamless.engine.precision import computing_in
from napari_seamless.errors import ModelError
from napari_seamless.models import TorchModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import Model

_CHANNELS_LAST = {2: torch.channels_last, 3: torch.channels_last_3d}
"""By number of spatial axes."""


class NetworkCall:
    r"""Evaluate batches, from several threads at once.

    Parameters
    ----------
    model : Model
        The network, already on `device`.
    device : torch.device
        Where it runs.
    settings : RunSettings
        `compile` is what is used of them.
    warn : callable
        Takes a sentence when something that was asked for is not done.
    """

    def __init__(self, model: Model, device: torch.device, settings: RunSettings, warn: Callable[[str], None]) -> None:
        self._model = model
        self._device = device
        self._warn = warn
        self._format: torch.memory_format | None = None
        self._compiling = threading.Lock()
        self._known: set[object] = set()
        self._compiled = _compiled(model, warn) if settings.compile else None

    def lay_out(self, n_spatial: int, *, channels_last: bool) -> bool:
        """Choose the memory layout of weights and input; not while another thread evaluates.

        Returns
        -------
        bool
            False where channels last does not exist for this number of spatial axes.
        """
        layout = _CHANNELS_LAST.get(n_spatial)
        if layout is None:
            return not channels_last
        if channels_last or self._format is not None:
            _lay_out_weights(self._model, n_spatial + 2, layout if channels_last else torch.contiguous_format)
        self._format = layout if channels_last else None
        return True

    def __call__(self, voxels: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
        r"""Evaluate a batch.

        Parameters
        ----------
        voxels : torch.Tensor
            (batch, channel, \\*patch) float32 on the device.
        dtype : torch.dtype or None
            The type to compute in; None is float32.

        Returns
        -------
        torch.Tensor
            (batch, class, \\*patch) float32 on the device; it may share memory with `voxels`.

        Raises
        ------
        ModelError
            The network fails, or its output has another batch or spatial shape.
        """
        if self._format is not None:
            voxels = voxels.contiguous(memory_format=self._format)
        with computing_in(dtype, self._device):
            output = self._evaluate(voxels, dtype)
        check_shape(output, voxels.shape, self._model.spec.name)
        return output.float()

    def _evaluate(self, voxels: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
        compiled = self._compiled
        if compiled is None:
            return self._model(voxels)
        key = (tuple(voxels.shape), dtype)
        try:
            if key in self._known:
                return compiled(voxels)
            with self._compiling:  # one thread compiles, and the others find what it made
                output = compiled(voxels)
                self._known.add(key)
                return output
        except ModelError as error:
            reason = error.__cause__ or error
        output = self._model(voxels)  # raises what the network itself has to say
        with self._compiling:
            if self._compiled is not None:
                self._compiled = None
                self._warn(_uncompiled(self._model, reason))
        return output


def check_shape(output: torch.Tensor, shape: tuple[int, ...], name: str) -> None:
    r"""Refuse an output that does not fit the shape (batch, channel, \*patch) of its input.

    Raises
    ------
    ModelError
        Its batch or patch is another one.
    """
    if output.ndim != len(shape) or output.shape[0] != shape[0] or output.shape[2:] != tuple(shape[2:]):
        raise ModelError(
            f"The network {name} returned shape {tuple(output.shape)} for a batch of shape {tuple(shape)}; "
            f"({shape[0]}, class, {', '.join(map(str, shape[2:]))}) was expected, so use a network that "
            "keeps the spatial shape."
        )


def module_of(model: Model) -> torch.nn.Module | None:
    """Return the torch module behind a model; None for functions and foreign models."""
    if isinstance(model, TorchModel) and isinstance(model.network, torch.nn.Module):
        return model.network
    return None


def _compiled(model: Model, warn: Callable[[str], None]) -> TorchModel | None:
    module = module_of(model)
    if module is None or isinstance(module, torch.jit.ScriptModule):
        kind = "a function" if module is None else "TorchScript"
        warn(f"compile has no effect on the network {model.spec.name}, which is {kind}; only torch modules compile.")
        return None
    try:
        # the compiler itself starts with the first batch
        return TorchModel(torch.compile(module, dynamic=False), model.spec)
    except (RuntimeError, ImportError, OSError) as error:  # not for this Python, or not installed whole
        warn(_uncompiled(model, error))
        return None


def _uncompiled(model: Model, error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = ": ".join([type(error).__name__, *lines[:1]]).rstrip(".:")
    return f"torch.compile failed for the network {model.spec.name} ({reason}); it runs uncompiled."


def _lay_out_weights(model: Model, ndim: int, layout: torch.memory_format) -> None:
    """Give the kernels of convolutions over all spatial axes a layout; other weights have no such layout."""
    module = module_of(model)
    for weight in () if module is None else module.parameters():
        if weight.ndim == ndim:
            weight.data = weight.data.contiguous(memory_format=layout)
