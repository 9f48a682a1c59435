"""Networks in TorchScript files."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.errors import ModelError
from napari_seamless.models.adapter import TorchModel
from napari_seamless.models.spec_json import spec_from_json, spec_to_json
from napari_seamless.models.stored_performance import PERFORMANCE_FILE, performance_bytes
from napari_seamless.types import Activation, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SPEC_FILE = "napari-seamless.json"


def load_torchscript(path: Path, *, activation: Activation | None = None) -> TorchModel:
    """Load a TorchScript file.

    A description stored inside the file by `save_torchscript` gives classes, normalisation and activation. A file
    without one is blended as it comes: intensities unchanged, outputs unchanged.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    activation : {"none", "softmax", "sigmoid"} or None
        Overrides the activation of the description.

    Raises
    ------
    ModelError
        The file is missing or no TorchScript file.
    """
    if not path.is_file():
        raise ModelError(f"The network file {path} does not exist; give the path of a TorchScript file, or demo.")
    extra: dict[str, Any] = {SPEC_FILE: ""}
    try:
        with warnings.catch_warnings():
            # torch announces the end of TorchScript on every load; the files that people have stay
            warnings.simplefilter("ignore", DeprecationWarning)
            network = torch.jit.load(path, map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"{path} is not a TorchScript file; save the network with torch.jit.script(network).save(path)."
        ) from error
    text = extra[SPEC_FILE]
    text = text.decode() if isinstance(text, bytes) else text
    spec = spec_from_json(text, str(path)) if text else _bare_spec(path, network)
    spec = replace(spec, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), source=str(path))
    return TorchModel(network, spec if activation is None else replace(spec, activation=activation))


def save_torchscript(
    network: torch.nn.Module, path: Path, spec: ModelSpec, *, performance: Mapping[str, Any] | None = None
) -> None:
    r"""Script a module and store it with its description in one file.

    Parameters
    ----------
    network : torch.nn.Module
        Maps float32 (batch, channel, \\*spatial) to (batch, class, \\*spatial).
    path : pathlib.Path
        The file, overwritten.
    spec : ModelSpec
        Its description.
    performance : mapping or None
        The state of a `PatchPerformance`, for `load_performance`.
    """
    extra: dict[str, str | bytes] = {SPEC_FILE: spec_to_json(spec)}
    if performance is not None:
        extra[PERFORMANCE_FILE] = performance_bytes(performance)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = network if isinstance(network, torch.jit.ScriptModule) else torch.jit.script(network.eval())
        torch.jit.save(scripted, path, _extra_files=extra)


def _bare_spec(path: Path, network: torch.nn.Module) -> ModelSpec:
    r"""Read the channels from the first convolution weight: (out, in, \\*kernel)."""
    kernels = [p.shape for name, p in network.named_parameters() if name.endswith("weight") and p.ndim > 2]
    if not kernels:
        return ModelSpec(name=path.stem)
    return ModelSpec(name=path.stem, n_spatial=len(kernels[0]) - 2)
