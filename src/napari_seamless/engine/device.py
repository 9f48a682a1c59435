"""Which device runs the network."""

from __future__ import annotations

import torch

from napari_seamless.errors import SettingsError


def choose_device(name: str) -> torch.device:
    """Turn a setting into a device that is there.

    Parameters
    ----------
    name : str
        ``"auto"`` takes CUDA, then Apple's MPS, then the CPU; anything else is a torch device.

    Raises
    ------
    SettingsError
        The device is unknown or not present.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device(_best())
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingsError(f"device must be auto, cpu, cuda, cuda:0 or mps, got {name!r}; try auto.") from error
    if not _present(device):
        raise SettingsError(f"device {name} is not present on this machine; try auto, which takes {_best()} here.")
    return device


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _present(device: torch.device) -> bool:
    if device.type == "cuda":
        return (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"
