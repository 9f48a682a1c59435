"""Windows as files: the same numbers come back, and what is no window is refused with one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from napari_seamless.errors import SettingsError, StorageError
from napari_seamless.plan import load_window, save_window
from napari_seamless.types import Window

RANDOM = np.random.default_rng(0).random((4, 5, 6)) + 1e-3
WINDOWS = {"array": Window.from_array(RANDOM), "factors": Window.from_factors([1, 2, 1], [0.1, 0.3], [1e-3])}


def header(**changes: Any) -> dict[str, Any]:
    """Return the header of a window of weights, with some entries replaced."""
    plain = {"format": "napari-seamless window", "version": 1, "kind": "array", "patch_size": [4, 5, 6], "about": {}}
    return plain | changes


@pytest.mark.parametrize("kind", WINDOWS)
def test_what_is_read_is_what_was_written_to_the_last_bit(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_window(WINDOWS[kind], file, {"measure": "error_rate"})
    assert load_window(file) == WINDOWS[kind]
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]
    with safe_open(file, framework="numpy") as stored:
        told = json.loads(stored.metadata()["window"])
    assert (told["kind"], told["patch_size"]) == (kind, list(WINDOWS[kind].size))
    assert told["about"] == {"measure": "error_rate"}


def test_the_weights_are_plain_tensors_of_the_patch_size(tmp_path: Path) -> None:
    save_window(WINDOWS["array"], tmp_path / "w.safetensors")
    with safe_open(tmp_path / "w.safetensors", framework="numpy") as stored:
        np.testing.assert_array_equal(stored.get_tensor("weights"), RANDOM)


def test_the_same_window_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_window(WINDOWS["factors"], tmp_path / f"{name}.safetensors", {"x": 1, "y": 2})
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("metadata", "tensors", "text"),
    [
        (None, {"weights": RANDOM}, "holds no window"),
        ({"spec": "{}"}, {"weights": RANDOM}, "holds no window"),
        ({"window": "[1]"}, {"weights": RANDOM}, "holds no window"),
        ({"window": "{"}, {"weights": RANDOM}, "holds no window"),
        (header(version=2), {"weights": RANDOM}, "is of version 2"),
        (header(), {"weights": RANDOM * np.nan}, "finite weights above 0"),
        (header(), {"weights": -RANDOM}, "finite weights above 0"),
        (header(), {"weights": RANDOM * 0}, "finite weights above 0"),
        (header(), {"weights": RANDOM[:, :, :5]}, r"patches of \[4, 5, 6\] and holds weights for \[4, 5, 5\]"),
        (header(), {"factor_0": RANDOM[0, 0]}, "it holds factor_0"),
        (header(kind="factors"), {"factor_0": RANDOM[0, 0], "factor_2": RANDOM[0, 0]}, "it holds factor_0, factor_2"),
        (header(kind="factors"), {"factor_0": RANDOM}, "one row of numbers for each spatial axis"),
        (header(kind="hann"), {"weights": RANDOM}, "it holds weights"),
    ],
)
def test_a_file_that_is_no_window(metadata: Any, tensors: dict[str, Any], text: str, tmp_path: Path) -> None:
    told = {"window": json.dumps(metadata)} if metadata and "format" in metadata else metadata
    save_file(
        {name: np.ascontiguousarray(values) for name, values in tensors.items()}, tmp_path / "w.safetensors", told
    )
    with pytest.raises(SettingsError, match=text) as refusal:
        load_window(tmp_path / "w.safetensors")
    assert "w.safetensors" in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"no weights here", b"\xff" * 64])
def test_a_file_of_something_else(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be understood"):
        load_window(tmp_path / "w.safetensors")


def test_a_window_cut_short(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_window(WINDOWS["array"], file)
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(SettingsError, match="cannot be understood"):
        load_window(file)


def test_what_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        load_window(tmp_path / "none.safetensors")
    with pytest.raises(StorageError, match="cannot be read"):
        load_window(tmp_path)
    with pytest.raises(StorageError, match="cannot be written"):
        save_window(WINDOWS["array"], tmp_path / "no" / "w.safetensors")
    with pytest.raises(SettingsError, match="use its name"):
        save_window(Window(kind="hann"), tmp_path / "w.safetensors")
    with pytest.raises(SettingsError, match=r"ends in \.safetensors"):
        save_window(WINDOWS["array"], tmp_path / "w.npy")
    assert list(tmp_path.iterdir()) == []
