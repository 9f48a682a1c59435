"""Runs whose patches reach beyond the volume, and runs with every window, against the whole volume at once."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch

from napari_seamless import segment
from napari_seamless.errors import GeometryError, SettingsError, StorageError
from napari_seamless.types import BorderMode, PadMode, Window, WindowKind

RNG = np.random.default_rng(7)
VOLUME = RNG.integers(0, 200, (1, 13, 9)).astype(np.uint8)


def neighbours(x: torch.Tensor) -> torch.Tensor:
    """Return two classes from each voxel and the two beside it along the last axis; 0 beyond the patch."""
    x = x / 256
    beside = torch.nn.functional.pad(x, (1, 1))
    mean = (beside[..., :-2] + beside[..., 1:-1] + beside[..., 2:]) / 3
    return torch.cat([1 - mean, mean], dim=1)


def probabilities(volume: Any, network: Any, **settings: Any) -> np.ndarray[Any, Any]:
    settings = {
        "patch_size": (1, 5, 9),
        "overlap": (0.0, 0.4, 0.0),
        "write": "probabilities",
        "chunk_size": 4,
        **settings,
    }
    return np.asarray(segment(volume, network, device="cpu", **settings).array)


@pytest.mark.parametrize("mode", get_args(PadMode))
@pytest.mark.parametrize("sides", ["both", "end"])
def test_a_padded_run_equals_the_network_on_numpys_padding_of_the_whole_volume(mode: Any, sides: Any) -> None:
    """Along the last axis, one patch of 14 holds the volume of 9 and 5 voxels of padding."""
    settings = {"border": "pad", "patch_size": (1, 5, 14), "pad_mode": mode, "pad_sides": sides, "pad_value": 60.5}
    found = probabilities(VOLUME, neighbours, **settings)
    before = 2 if sides == "both" else 0
    keywords: dict[str, Any] = {"constant": {"constant_values": 60.5}, "linear_ramp": {"end_values": 60.5}}.get(
        mode, {}
    )
    if mode in {"maximum", "mean", "median", "minimum"}:
        keywords["stat_length"] = 14  # the patch size
    padded = np.pad(VOLUME.astype(np.float32), ((0, 0), (0, 0), (before, 5 - before)), mode=mode, **keywords)
    expected = neighbours(torch.from_numpy(padded)[None, None])[0, ..., before : before + 9]
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-6)


def test_a_volume_smaller_than_the_patch_runs_padded_with_any_chunk_and_normalisation_sees_real_voxels_only() -> None:
    small = RNG.random((3, 1, 4)).astype(np.float32)
    settings = {"border": "pad", "patch_size": 8, "overlap": 0.5, "pad_mode": "reflect", "write": "probabilities"}
    runs = [np.asarray(segment(small, lambda x: x, device="cpu", chunk_size=c, **settings).array) for c in (None, 1)]
    np.testing.assert_allclose(runs[0][0], small, rtol=1e-6)
    assert runs[0].tobytes() == runs[1].tobytes()


@pytest.mark.parametrize("kind", get_args(WindowKind))
@pytest.mark.parametrize("border", get_args(BorderMode))
def test_any_window_over_any_border_mode_returns_what_a_voxelwise_network_returns(kind: Any, border: Any) -> None:
    found = probabilities(
        VOLUME, lambda x: x / 256, border=border, window=kind, patch_size=(1, 5, 4), overlap=(0.0, 0.4, 0.25)
    )
    covered = (..., slice(0, 11), slice(0, 7)) if border == "crop" else ...
    np.testing.assert_allclose(found[covered], (VOLUME / 256)[None][covered], rtol=1e-5, atol=1e-7)
    if border == "crop":
        assert found[..., 11:, :].max() == 0


def test_weights_of_your_own_decide_the_mean_where_patches_meet() -> None:
    """Two patches of 4 over 6 voxels; the network tells which one a voxel is seen in."""
    window = Window.from_array([[[1.0, 2.0, 3.0, 4.0]]])
    volume = np.arange(6, dtype=np.float32).reshape(1, 1, 6)
    found = np.asarray(
        segment(
            volume,
            lambda x: x[..., :1].expand(x.shape),
            patch_size=(1, 1, 4),
            window=window,
            write="probabilities",
            device="cpu",
        ).array
    )
    shared = [(3 * 0 + 1 * 2) / 4, (4 * 0 + 2 * 2) / 6]
    np.testing.assert_allclose(found.ravel(), [0, 0, *shared, 2, 2], rtol=1e-6)


def test_a_wide_gaussian_is_nearly_the_constant_window() -> None:
    runs = [
        probabilities(VOLUME, neighbours, patch_size=(1, 5, 4), overlap=0.5, **w)
        for w in ({"window_sigma": 1e3}, {"window": "constant"})
    ]
    np.testing.assert_allclose(*runs, rtol=1e-5)


def test_adaptive_keeps_patches_from_becoming_too_small() -> None:
    seen: list[int] = []

    def network(x: torch.Tensor) -> torch.Tensor:
        seen.append(min(x.shape[2:]))
        return x

    segment(
        np.zeros((9, 9, 9), np.float32),
        network,
        patch_size=4,
        overlap=0,
        border="adaptive",
        min_patch_size=3,
        device="cpu",
    )
    assert min(seen) == 3


def test_another_padding_is_another_run(tmp_path: Any) -> None:
    settings = {"border": "pad", "patch_size": 8, "device": "cpu"}
    segment(VOLUME, lambda x: x, tmp_path / "out", **settings)
    with pytest.raises((SettingsError, StorageError), match="padding"):
        segment(VOLUME, lambda x: x, tmp_path / "out", resume=True, pad_value=1.0, **settings)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"pad_mode": "empty"}, SettingsError, "pad_mode"),
        ({"pad_value": float("nan")}, SettingsError, "pad_value"),
        ({"pad_stat_length": 0}, SettingsError, "at least 1"),
        ({"window_sigma": 0.0}, SettingsError, "window_sigma"),
        ({"border": "squeeze", "patch_size": 64}, GeometryError, "adaptive or pad"),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        segment(VOLUME, lambda x: x, **{"patch_size": 4, "border": "pad", "device": "cpu", **settings})
