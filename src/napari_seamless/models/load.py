"""Find the right adapter for whatever names a network."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from napari_seamless.errors import ModelError
from napari_seamless.models.adapter import TorchModel, wrap_callable
from napari_seamless.models.demo import demo_model
from napari_seamless.models.oss_net.recognise import is_oss_net_file
from napari_seamless.models.torchscript import load_torchscript
from napari_seamless.types import Activation, Model

if TYPE_CHECKING:
    from napari_seamless.models.oss_net import OSSNet

ModelSource = Model | torch.nn.Module | Callable[[torch.Tensor], torch.Tensor] | str | os.PathLike[str]


def load_network(source: ModelSource | OSSNet, *, setting: str | None = None) -> Model | OSSNet:
    """Load whatever a file holds: an OSS-Net, which answers coordinates, or a network that is run patch by patch.

    Parameters
    ----------
    source : str, path, OSSNet, or what `load_model` takes
        A ``.safetensors`` file that names the settings of an OSS-Net, a state dict of published weights, or what
        `load_model` takes.
    setting : str or None
        Name of the published setting that a state dict belongs to; None takes the one that it fits.

    Returns
    -------
    OSSNet or Model

    Raises
    ------
    ModelError
        Nothing usable is there, or the weights belong to another setting.
    SettingsError
        There is no setting of that name.

    Examples
    --------
    >>> load_network("demo").spec.n_spatial
    3
    """
    from napari_seamless.models.oss_net import OSSNet, load

    if isinstance(source, OSSNet):
        return source
    if isinstance(source, (str, os.PathLike)) and (setting is not None or is_oss_net_file(source)):
        return load(os.fspath(source), setting)
    return load_model(source)


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
            _refuse_oss_net(Path(source))
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


def _refuse_oss_net(path: Path) -> None:
    if is_oss_net_file(path):
        raise ModelError(
            f"{path} holds the weights of an OSS-Net, which answers coordinates and is not run patch by patch; "
            "use `napari-seamless occupancy`, or segment_occupancy in Python."
        )
