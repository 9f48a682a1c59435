"""A run stops at a damaged chunk, or goes on with the fill value by choice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from tests.engine.networks import as_model

from napari_seamless import segment
from napari_seamless.engine import Measuring
from napari_seamless.errors import SettingsError, VolumeError
from napari_seamless.types import Normalization

SMALL = {"patch_size": 8, "overlap": 0.5, "device": "cpu", "chunk_size": 8}


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """An array of 20 x 3 chunks, one of which cannot be decoded, and what is read with zeros in its place."""
    values = np.random.default_rng(0).normal(size=(160, 24)).astype(np.float32)
    zarr.create_array(tmp_path / "image.zarr", data=values, chunks=(8, 8))
    (tmp_path / "image.zarr/c/14/1").write_bytes(b"no compressed data")
    values[112:120, 8:16] = 0
    np.save(tmp_path / "filled.npy", values)
    return tmp_path


def labels(folder: Path) -> np.ndarray:
    return np.asarray(zarr.open_array(folder / "0", mode="r")[...])


def test_a_stopped_run_goes_on_with_the_fill_value(damaged: Path) -> None:
    model = as_model(lambda x: x.sin(), 2)
    source = damaged / "image.zarr"
    with pytest.raises(VolumeError, match=r"chunk \(14, 1\) of image\.zarr cannot be read"):
        segment(source, model, damaged / "o", **SMALL)
    resumed = segment(source, model, damaged / "o", resume=True, damaged_chunks="fill", **SMALL)
    assert 0 < resumed.evaluated < resumed.patches
    segment(np.load(damaged / "filled.npy"), model, damaged / "expected", **SMALL)
    np.testing.assert_array_equal(labels(damaged / "o"), labels(damaged / "expected"))
    segment(source, model, damaged / "o", resume=True, damaged_chunks="fill", **SMALL)
    with pytest.raises(SettingsError, match="because damaged_chunks changed from 'fill' to 'error'"):
        segment(source, model, damaged / "o", resume=True, **SMALL)


def test_what_was_filled_is_told(damaged: Path) -> None:
    result = segment(damaged / "image.zarr", as_model(lambda x: x, 2), damaged_chunks="fill", **SMALL)
    (text,) = result.warnings
    assert text.startswith("1 chunk of image cannot be decoded and was read as its fill value: (14, 1)")


def test_measuring_is_told_before_the_first_patch() -> None:
    model = as_model(lambda x: x, 2, normalization=Normalization(kind="zscore"))
    events: list[object] = []
    segment(np.random.default_rng(0).normal(size=(16, 16)), model, on_event=events.append, **SMALL)
    told = [event for event in events if isinstance(event, Measuring)]
    assert events[: len(told)] == told
    assert told[-1].done == told[-1].total > 0
