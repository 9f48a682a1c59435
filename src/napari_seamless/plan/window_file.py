"""A blending window as a file, for recipes and other machines: numbers and words, and no code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from napari_seamless.errors import SettingsError, StorageError
from napari_seamless.types import WINDOW_SUFFIX, Window

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

FORMAT, VERSION = "napari-seamless window", 1

_KEY = "window"
"""The only entry of the header: of several ones the order would be left to chance, and so would the bytes."""


def save_window(window: Window, path: str | os.PathLike[str], about: Mapping[str, Any] | None = None) -> None:
    """Write a window of given weights to a file; a file that is there is replaced as a whole.

    Parameters
    ----------
    window : Window
        What `Window.from_array`, `Window.from_factors` or `performance_window` made.
    path : path
        File to write, whose name ends in ``.safetensors``.
    about : mapping, optional
        What a person wants to know of the weights later; anything that `json.dumps` takes.

    Raises
    ------
    SettingsError
        The window has a name and no weights of its own, or the path has another ending.
    StorageError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_window(Window.from_factors([1, 2, 1], [1, 1]), f"{folder}/mine.safetensors")
    ...     load_window(f"{folder}/mine.safetensors").factors[0].tolist()
    [1.0, 2.0, 1.0]
    """
    target = Path(path)
    if not window.is_given:
        raise SettingsError(f"Only given weights need a file, got the window {window.kind}; use its name.")
    if target.suffix != WINDOW_SUFFIX:
        raise SettingsError(f"The file of a window ends in {WINDOW_SUFFIX}, got {target.name}; choose another name.")
    header = {"format": FORMAT, "version": VERSION, "kind": window.kind, "patch_size": [int(n) for n in window.size]}
    text = json.dumps({**header, "about": dict(about or {})})
    beside = target.with_name(f".{target.name}-unfinished")
    try:
        beside.write_bytes(save(_tensors(window), {_KEY: text}))
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StorageError(f"{target} cannot be written ({error.strerror or error}).") from error


def load_window(path: str | os.PathLike[str]) -> Window:
    """Read the window that `save_window` wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Window
        Equal to the one that was written.

    Raises
    ------
    SettingsError
        The file is no window, is one of another version, or its weights are damaged.
    StorageError
        It cannot be read.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            header = _header(file.metadata())
            if header is None:
                raise SettingsError(f"{path} holds no window; write one with save_window or tune --performance-window.")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
    except OSError as error:
        raise StorageError(f"The window {path} cannot be read ({error.strerror or error}).") from error
    except (SafetensorError, TypeError) as error:  # a TypeError for numbers that NumPy has no type for
        raise SettingsError(f"The window {path} cannot be understood ({error}); write it anew.") from None
    if header["version"] != VERSION:
        raise SettingsError(
            f"The window {path} is of version {header['version']!r}, but this version of napari-seamless reads version "
            f"{VERSION}; write it anew."
        )
    return _window(path, header, tensors)


def _tensors(window: Window) -> dict[str, np.ndarray[Any, Any]]:
    """Return the weights, or the factor of each axis, under their names in the file."""
    if window.kind == "array":
        return {"weights": np.frombuffer(window.values).reshape(window.size)}
    return {f"factor_{axis}": np.ascontiguousarray(factor) for axis, factor in enumerate(window.factors)}


def _header(metadata: dict[str, str] | None) -> dict[str, Any] | None:
    """Return what a file says of its window; None where it says nothing of one."""
    try:
        header = json.loads((metadata or {}).get(_KEY, ""))
    except ValueError:
        return None
    known = isinstance(header, dict) and header.get("format") == FORMAT
    return {"version": None, "kind": None, "patch_size": None, **header} if known else None


def _window(path: str | os.PathLike[str], header: dict[str, Any], tensors: dict[str, np.ndarray[Any, Any]]) -> Window:
    """Make the window of what a file holds."""
    names = ["weights"] if header["kind"] == "array" else [f"factor_{axis}" for axis in range(len(tensors))]
    if header["kind"] not in {"array", "factors"} or tensors.keys() != set(names):
        raise SettingsError(f"The window {path} is damaged: it holds {', '.join(sorted(tensors))}; write it anew.")
    make = Window.from_array if header["kind"] == "array" else Window.from_factors
    try:
        window = make(*(tensors[name] for name in names))
    except SettingsError as error:
        raise SettingsError(f"The window {path} is damaged: {error}") from None
    if list(window.size) != header["patch_size"]:
        raise SettingsError(
            f"The window {path} is damaged: it is said to be for patches of {header['patch_size']} and holds weights "
            f"for {list(window.size)}; write it anew."
        )
    return window
