"""All that a training needs to go on, in one file that holds no code."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.errors import SettingsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMAT = 1


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint beside the one that is there, and put it in its place.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    state : dict
        Tensors and plain values.

    Raises
    ------
    StorageError
        The file cannot be written; the one before stays.
    """
    write_whole(path, lambda part: torch.save({"format": FORMAT, **state}, part))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint into the host's memory.

    Raises
    ------
    SettingsError
        There is none, or it is not one of this version.
    """
    if not path.is_file():
        raise SettingsError(f"There is no checkpoint {path} to resume from; start the training without resume.")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        known = state["format"] == FORMAT
    except Exception as error:  # a foreign file may raise anything
        raise SettingsError(f"{path} is not a checkpoint ({type(error).__name__}); start the training anew.") from error
    if not known:
        raise SettingsError(f"The checkpoint {path} is of another version; start the training anew.")
    return state


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let a function write a file beside its place, and move it there when it is complete.

    Raises
    ------
    StorageError
        The disk is full or may not be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch raises a RuntimeError where a file cannot be written
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StorageError(
            f"{os.fspath(path)} cannot be written ({(str(error).splitlines() or [type(error).__name__])[0]})."
        ) from error


def random_state() -> dict[str, Any]:
    """Return the state of torch's generators, which layers such as dropout draw from."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict[str, Any]) -> None:
    """Take over what `random_state` returned, as far as the devices are there."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
