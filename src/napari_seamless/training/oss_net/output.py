"""The network file: weights, settings, and what the training says of them."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from napari_seamless.errors import ModelError
from napari_seamless.models import save_torchscript
from napari_seamless.models.baselines import ResidualUNet
from napari_seamless.models.oss_net import OSSNet
from napari_seamless.models.oss_net.weights import TRAINING, fill, read_weights, save
from napari_seamless.training.checkpoint import write_whole
from napari_seamless.training.oss_net.history import write_text
from napari_seamless.types import ModelSpec, Normalization

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_seamless.training.oss_net.trainees import Trainee


def save_trained(trainee: Trainee, path: Path, said: Mapping[str, Any]) -> None:
    """Write the network file: safetensors for an occupancy network, TorchScript for a U-Net.

    Parameters
    ----------
    trainee : Trainee
        What was trained.
    path : pathlib.Path
        The file.
    said : mapping
        JSON-able: crop, scores, error by distance. It goes into the metadata of safetensors, and into a JSON file
        beside a U-Net.

    Raises
    ------
    StorageError
        The file cannot be written; the one before stays.
    """
    network = copy.deepcopy(trainee.network).cpu()
    text = json.dumps(dict(said))
    if isinstance(network, OSSNet):
        write_whole(path, lambda part: _save_with(network, part, text))
        return
    unet = network
    write_whole(path, lambda part: save_torchscript(unet, part, _spec(unet, trainee, path)))
    write_text(path.with_name(f"{path.name}.json"), text)


def fill_trainee(trainee: Trainee, path: Path) -> None:
    """Put weights of a file into a trainee, to begin with or to go on from.

    Raises
    ------
    ModelError
        They cannot be read, or belong to another network.
    """
    if isinstance(trainee.network, ResidualUNet):
        raise ModelError(f"The residual U-Net begins with fresh weights and cannot take {path}; leave the weights out.")
    state, _ = read_weights(path)
    fill(trainee.network, state)


def _save_with(network: OSSNet, path: Path, text: str) -> None:
    save(network, path)
    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata() or {}
    save_file(load_file(str(path)), str(path), metadata={**metadata, TRAINING: text})


def _spec(network: ResidualUNet, trainee: Trainee, path: Path) -> ModelSpec:
    first: Any = network.first.main[0]
    n_out = network.last.out_channels
    names = ("outside", "inside") if n_out == 1 else tuple(f"class {i}" for i in range(n_out))
    return ModelSpec(
        name=path.stem,
        n_spatial=3,
        in_channels=first.in_channels,
        out_channels=n_out,
        classes=names,
        normalization=Normalization(kind="zscore"),
        activation="sigmoid" if n_out == 1 else "softmax",
        patch_size=trainee.size,
        divisor=(network.factor,),
    )
