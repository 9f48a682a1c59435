"""The patch performance that lies in a network file."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from napari_seamless.errors import ModelError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

PERFORMANCE_FILE = "patch-performance.safetensors"
_TENSORS = ("count", "mean", "m2")


def performance_bytes(state: Mapping[str, Any]) -> bytes:
    """Return the state of a `PatchPerformance` as a file that holds no code."""
    tensors = {name: state[name].detach().cpu().contiguous() for name in _TENSORS if name in state}
    # safetensors stores each tensor by itself, and a count is often one value seen through a larger shape
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    return save(tensors, {"measure": str(state["measure"]), "patches": str(int(state["patches"]))})


def load_performance(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return the patch performance that was measured while a network was trained.

    The network itself is not loaded.

    Parameters
    ----------
    path : path
        A network file.

    Returns
    -------
    dict or None
        The state that `PatchPerformance.load_state_dict` takes: ``measure`` (str), ``patches`` (int), and ``count``,
        ``mean`` and ``m2`` (float64 tensors). None where the file holds none.

    Raises
    ------
    ModelError
        The file is missing or no network, or what it holds cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as file:
            names = [name for name in file.namelist() if name.endswith(f"/extra/{PERFORMANCE_FILE}")]
            content = file.read(names[0]) if names else None
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} is not a network file ({error}); give the path of a TorchScript file.") from error
    return None if content is None else _state(content, path)


def _state(content: bytes, path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        length = int.from_bytes(content[:8], "little")
        described = _described(content[8 : 8 + length])
        return {"measure": described["measure"], "patches": int(described["patches"]), **load(content)}
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelError(f"The patch performance inside {path} cannot be read; train the network anew.") from error


def _described(header: bytes) -> dict[str, str]:
    """Return the texts of a safetensors header, which its library reads from files only."""
    described: dict[str, str] = json.loads(header)["__metadata__"]
    return described
