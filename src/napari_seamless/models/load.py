"""Find the right adapter for whatever names a network."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from napari_seamless.errors import ModelError
from napari_seamless.models.adapter import TorchModel, wrap_callable
from napari_seamless.models.demo import demo_model
from napari_seamless.models.torchscript import load_torchscript
from napari_seamless.types import Activation, Model

ModelSource = Model | torch.nn.Module | Callable[[torch.Tensor], torch.Tensor] | str | os.PathLike[str]


def load_model(source: ModelSource, *, activation: Activation | None = None) -> Model:
    """Turn a path, the name ``demo``, a torch module or a callable into a model.

    Parameters
    ----------
    source : str, path, torch.nn.Module, callable or Model
        ``"demo"`` is the bundled network; other strings and paths are TorchScript files.
    activation : {"none", "softmax", "sigmoid"} or None
        Applied to the output before blending; None keeps what the file says, and nothing for a plain callable.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        Nothing usable is there.

    Examples
    --------
    >>> load_model(torch.nn.Conv3d(1, 2, 3, padding=1)).spec.in_channels
    1
    """
    if isinstance(source, (str, os.PathLike)):
        if os.fspath(source) != "demo":
            return load_torchscript(Path(source), activation=activation)
        source = demo_model()
    if isinstance(source, TorchModel):
        if activation is None:
            return source
        return TorchModel(source.network, replace(source.spec, activation=activation))
    if not isinstance(source, torch.nn.Module) and isinstance(source, Model):
        return source
    if callable(source):
        return wrap_callable(source, activation=activation or "none")
    raise ModelError(
        f"model must be a path, 'demo', a torch module or a callable, got {type(source).__name__}; see load_model."
    )
