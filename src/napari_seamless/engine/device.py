"""Which devices run the network."""

from __future__ import annotations

import torch

from napari_seamless.errors import SettingsError


def choose_devices(name: str) -> tuple[torch.device, ...]:
    """Turn a setting into devices that are there.

    Parameters
    ----------
    name : str
        ``"auto"`` takes one: CUDA, then Apple's MPS, then the CPU. ``"cuda:all"`` takes every GPU, ``"cuda:0,cuda:2"``
        those two; anything else is a torch device.

    Raises
    ------
    SettingsError
        A device is unknown or not present, or devices of several kinds are mixed.

    Examples
    --------
    >>> choose_devices("cpu")
    (device(type='cpu'),)
    """
    if name == "cuda:all" and torch.cuda.is_available():
        return tuple(torch.device("cuda", i) for i in range(torch.cuda.device_count()))
    devices = tuple(dict.fromkeys(_device(part.strip()) for part in name.split(",")))
    if len(devices) > 1 and any(device.type != "cuda" for device in devices):
        raise SettingsError(f"Several devices must all be CUDA devices, got {name}; try cuda:all.")
    return devices


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device(_best())
    try:
        device = torch.device("cuda" if name == "cuda:all" else name)
    except RuntimeError as error:
        raise SettingsError(
            f"device must be auto, cpu, cuda, cuda:0, cuda:all or mps, got {name!r}; try auto."
        ) from error
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
