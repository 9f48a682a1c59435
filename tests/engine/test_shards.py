"""Runs into shards: the labels of a run without them, also resumed, over a region and in several processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.engine.networks import as_model, image

from napari_seamless import segment
from napari_seamless.engine import Control, Event, Progress, prepare
from napari_seamless.errors import OutputExistsError, RunCancelledError, SettingsError
from napari_seamless.recipe import make_settings
from napari_seamless.sinks import only_writer

SMALL = {"patch_size": 8, "overlap": 0.5, "device": "cpu", "chunk_size": 8}
SHAPE = (52, 40)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of an output but the journal."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".jsonl")
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def model() -> object:
    return as_model(lambda x: x.sin(), 2)


@pytest.mark.parametrize(
    "options", [{"shard_size": 16}, {"shard_size": (32, 400)}, {"shard_size": 24, "region": ":,8:40"}]
)
@pytest.mark.parametrize("budget", [None, 2**20])
def test_the_labels_are_those_without_shards(options: dict, budget: int | None, tmp_path: Path) -> None:
    region = {k: v for k, v in options.items() if k == "region"}
    plain = segment(image(SHAPE), model(), **SMALL, **region)
    result = segment(image(SHAPE), model(), tmp_path / "o", memory_budget=budget, **SMALL, **options)
    np.testing.assert_array_equal(np.asarray(result.array[...]), np.asarray(plain.array))
    assert result.array.shards is not None
    assert [entry.name for entry in tmp_path.iterdir()] == ["o"]


def test_cancelled_and_resumed_the_files_are_the_same_and_whole_shards_are_kept(tmp_path: Path) -> None:
    options = {**SMALL, "shard_size": 16}
    whole = segment(image(SHAPE), model(), tmp_path / "whole", **options)
    control = Control()

    def on_event(event: Event) -> None:
        if isinstance(event, Progress) and event.done >= 3 * whole.patches // 4:
            control.cancel()

    with pytest.raises(RunCancelledError):
        segment(image(SHAPE), model(), tmp_path / "o", on_event=on_event, control=control, **options)
    resumed = segment(image(SHAPE), model(), tmp_path / "o", resume=True, **options)
    before, after = files_of(tmp_path / "whole"), files_of(tmp_path / "o")
    assert before.keys() == after.keys()
    assert [name for name in before if "zarr.json" not in name and before[name] != after[name]] == []
    assert resumed.evaluated < resumed.patches
    with pytest.raises(SettingsError, match=r"because shard_size changed from .* to None"):
        segment(image(SHAPE), model(), tmp_path / "o", resume=True, **SMALL)


def test_worker_processes_write_the_same_shards(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    np.save(tmp_path / "image.npy", np.asarray(image(SHAPE).data[...]))
    options = {**SMALL, "shard_size": 16, "border": "edge"}
    segment(tmp_path / "image.npy", _network(), tmp_path / "one", **options)
    segment(tmp_path / "image.npy", _network(), tmp_path / "many", workers=2, **options)
    one, many = files_of(tmp_path / "one"), files_of(tmp_path / "many")
    assert one.keys() == many.keys()
    assert [name for name in one if "zarr.json" not in name and one[name] != many[name]] == []


def _network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Conv2d(1, 3, 3, padding=1)


@pytest.mark.parametrize(
    ("size", "says"),
    [
        (12, r"shard_size along y is 12, but must be a multiple of the chunk, which is 8 there; try 16"),
        ((16, 16, 16), "shard_size needs 1 or 2 values"),
        (0, "sizes must be at least 1 voxel, got 0"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_before_anything_is_written(size: object, says: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=says):
        prepare(image(SHAPE), model(), make_settings(**SMALL, shard_size=size), tmp_path / "o")
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_into_the_same_output_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    segment(image(SHAPE), model(), tmp_path / "o", **SMALL)
    before = files_of(tmp_path / "o")
    with only_writer(tmp_path / "o"):
        for how in ({"resume": True}, {"overwrite": True}):
            with pytest.raises(OutputExistsError, match="Another run is writing the output"):
                segment(image(SHAPE), model(), tmp_path / "o", **SMALL, **how)
    assert files_of(tmp_path / "o") == before
    segment(image(SHAPE), model(), tmp_path / "o", overwrite=True, **SMALL)
