"""The batch size: one on a CPU, what pays on a GPU, and the recorded one on resuming."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import zarr
from tests.engine.networks import image, local_network

from napari_seamless.engine import prepare
from napari_seamless.engine.batch_size import choose_batch_size, largest_worthwhile, recorded_batch_size
from napari_seamless.models import load_model
from napari_seamless.recipe import make_settings
from napari_seamless.sinks import METADATA_KEY


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        ({1: 1.0, 2: 2.0}, 1),  # nothing gained
        ({1: 1.0, 2: 1.92}, 1),  # 4% are too little
        ({1: 1.0, 2: 1.88, 4: 3.76}, 2),  # 6% are enough, once
        ({1: 1.0, 2: 1.0, 4: 1.0, 8: None}, 4),  # no memory for eight
        ({1: 1.0, 2: 1.0, 4: 1.0, 8: 1.0, 16: 1.0, 32: 1.0}, 32),  # never more than 32
        ({1: None}, 1),
    ],
)
def test_batches_grow_while_a_patch_becomes_quicker_and_memory_allows(
    seconds: dict[int, float | None], best: int
) -> None:
    assert largest_worthwhile(seconds.__getitem__) == best


def test_a_cpu_takes_one_patch_at_a_time_and_does_not_run_the_network() -> None:
    def network(batch: torch.Tensor) -> torch.Tensor:
        raise AssertionError

    assert choose_batch_size(load_model(network), torch.device("cpu"), (64, 64), 1) == 1


@pytest.mark.gpu
def test_a_gpu_gets_a_power_of_two_that_is_measured_once() -> None:
    model, device = load_model(local_network(3)), torch.device("cuda")
    size = choose_batch_size(model, device, (32, 32, 32), 1)
    assert size in {1, 2, 4, 8, 16, 32}
    assert choose_batch_size(model, device, (32, 32, 32), 1) == size


@pytest.mark.parametrize(("setting", "size"), [("auto", 1), (3, 3)])
def test_the_plan_holds_a_number(setting: object, size: int) -> None:
    settings = make_settings(patch_size=8, batch_size=setting, device="cpu")
    assert prepare(image((16, 16)), local_network(2), settings).plan.batch_size == size


def recorded(path: Path, size: object) -> Path:
    zarr.create_group(path, attributes={METADATA_KEY: {"run": {"batch_size": size}}})
    return path


@pytest.mark.parametrize(("setting", "size"), [("auto", 4), (3, 3)])
def test_a_resumed_run_takes_the_recorded_size_unless_told_another(tmp_path: Path, setting: object, size: int) -> None:
    settings = make_settings(patch_size=8, batch_size=setting, device="cpu")
    output = recorded(tmp_path / "output.zarr", 4)
    job = prepare(image((16, 16)), local_network(2), settings, output, resume=True)
    assert job.plan.batch_size == size
    assert prepare(image((16, 16)), local_network(2), settings, output, overwrite=True).plan.batch_size == (
        1 if setting == "auto" else size
    )


def test_the_size_of_a_real_output_is_found(tmp_path: Path) -> None:
    settings = make_settings(patch_size=8, batch_size=2, device="cpu")
    prepare(image((16, 16)), local_network(2), settings, tmp_path / "output.zarr").run()
    assert recorded_batch_size(tmp_path / "output.zarr") == 2


@pytest.mark.parametrize("size", [None, "4", 0, -1, [4]])
def test_what_is_no_size_is_not_known(tmp_path: Path, size: object) -> None:
    assert recorded_batch_size(recorded(tmp_path / "output.zarr", size)) is None


def test_what_is_no_output_of_ours_is_not_known(tmp_path: Path) -> None:
    assert recorded_batch_size(tmp_path / "missing.zarr") is None
    (tmp_path / "folder").mkdir()
    assert recorded_batch_size(tmp_path / "folder") is None
    zarr.create_array(tmp_path / "array.zarr", shape=(4,), dtype="u1")
    assert recorded_batch_size(tmp_path / "array.zarr") is None
    zarr.create_group(tmp_path / "group.zarr")
    assert recorded_batch_size(tmp_path / "group.zarr") is None
    broken = recorded(tmp_path / "broken.zarr", 4)
    (broken / "zarr.json").write_text("{")
    assert recorded_batch_size(broken) is None
