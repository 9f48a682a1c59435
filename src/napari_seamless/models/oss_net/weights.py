"""Weights in files: published state dicts, and safetensors that name their settings."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from napari_seamless.errors import ModelError
from napari_seamless.models.oss_net.network import OSSNet
from napari_seamless.models.oss_net.settings import SETTINGS, OSSNetSettings, settings_from, settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Shapes = dict[str, tuple[int, ...]]

_METADATA = "oss_net"

TRAINING = "training"
"""Metadata of safetensors: what a training said, as JSON."""


def save(network: OSSNet, path: str | Path) -> None:
    """Write weights as safetensors, with the settings in the metadata.

    Parameters
    ----------
    network : OSSNet
        The network.
    path : str or Path
        File, replaced where it exists.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, str(path), metadata={_METADATA: json.dumps(asdict(network.settings))})


def load(path: str | Path, settings: str | OSSNetSettings | None = None) -> OSSNet:
    """Load a network, in evaluation mode on the CPU.

    Parameters
    ----------
    path : str or Path
        ``.safetensors``, or a state dict written by torch.
    settings : str or OSSNetSettings or None
        What the weights belong to. None takes what the file says, else the published setting that they fit.

    Returns
    -------
    OSSNet
        The network. Where a training says in the file which crops it saw, its settings have that crop.

    Raises
    ------
    ModelError
        The file cannot be read, or holds weights of another setting.
    SettingsError
        Unknown settings.
    """
    path = Path(path)
    state, stored = read_weights(path)
    if settings is None:
        settings = stored or _published(state)
    elif isinstance(settings, str):
        settings = settings_of(settings)
    return fill(OSSNet(_with_crop(settings, path)), state).eval()


def read_training(path: Path) -> dict[str, Any]:
    """Read what a training said of a network file: crop, scores, errors; empty where it says nothing.

    Parameters
    ----------
    path : pathlib.Path
        A safetensors file with its metadata, or another file with a JSON file beside it.

    Raises
    ------
    ModelError
        The file cannot be read.
    """
    beside = path.with_name(f"{path.name}.json")
    try:
        if path.suffix == ".safetensors":
            with safe_open(str(path), framework="pt") as file:
                return dict(json.loads((file.metadata() or {}).get(TRAINING, "{}")))
        return dict(json.loads(beside.read_text())) if beside.exists() else {}
    except Exception as error:  # a foreign file may raise anything
        raise ModelError(f"What a training said of {path} cannot be read ({type(error).__name__}).") from error


def read_weights(path: Path) -> tuple[dict[str, Tensor], OSSNetSettings | None]:
    """Read a state dict, and the settings where the file names them."""
    try:
        if path.suffix == ".safetensors":
            with safe_open(str(path), framework="pt") as file:
                text = (file.metadata() or {}).get(_METADATA)
            return load_file(str(path)), settings_from(json.loads(text)) if text else None
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, LookupError, ValueError) as error:
        reason = (str(error).splitlines()[0] if str(error) else type(error).__name__).rstrip(".")
        raise ModelError(
            f"The weights {path} cannot be read as a state dict or safetensors: {reason.rstrip('.')}."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(f"The file {path} holds no state dict of tensors; save network.state_dict() alone.")
    return state, None


def fill(network: OSSNet, state: Mapping[str, Tensor]) -> OSSNet:
    """Put weights into a network.

    Raises
    ------
    ModelError
        Names or shapes differ; the sentence says which, and which published setting the weights fit.
    """
    wanted, came = _shapes(network.state_dict()), _shapes(state)
    if wanted != came:
        name = network.settings.name
        raise ModelError(f"These weights do not fit {name}: {_difference(wanted, came)}; {_advice(came)}.")
    network.load_state_dict(dict(state))
    return network


def fitting(shapes: Shapes) -> list[str]:
    """Name the published settings that names and shapes of weights belong to."""
    return [name for name, settings in SETTINGS.items() if _shapes_of(settings) == shapes]


def _with_crop(settings: OSSNetSettings, path: Path) -> OSSNetSettings:
    """Add the crop that a training names; that of the settings goes first."""
    crop = None if path.suffix != ".safetensors" else read_training(path).get("crop")
    if settings.crop is not None or crop is None:
        return settings
    return settings_from({**asdict(settings), "crop": crop})


def _published(state: Mapping[str, Tensor]) -> OSSNetSettings:
    names = fitting(_shapes(state))
    if not names:
        raise ModelError(
            "These weights fit none of the 24 published settings; say which settings they were trained with."
        )
    return SETTINGS[names[0]]


def _shapes_of(settings: OSSNetSettings) -> Shapes:
    with torch.device("meta"):
        return _shapes(OSSNet(settings).state_dict())


def _shapes(state: Mapping[str, Any]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _difference(wanted: Shapes, came: Shapes) -> str:
    parts = []
    missing, strange = [n for n in wanted if n not in came], [n for n in came if n not in wanted]
    other = [name for name in wanted if name in came and wanted[name] != came[name]]
    if missing:
        parts.append(f"{_some(missing)} missing")
    if strange:
        parts.append(f"{_some(strange)} not expected")
    if other:
        shown = f"{other[0]} has shape {came[other[0]]} instead of {wanted[other[0]]}"
        parts.append(shown + (f", and {len(other) - 1} more differ" if len(other) > 1 else ""))
    return "; ".join(parts)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"{', '.join(names[:2])}{more} {'is' if len(names) == 1 else 'are'}"


def _advice(came: Shapes) -> str:
    names = fitting(came)
    return f"they fit {' and '.join(names)}" if names else "they fit no published setting"
