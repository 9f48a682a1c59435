"""Several processes give the bytes of one, whatever happens to them."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_seamless.engine import Control, prepare
from napari_seamless.engine.events import ChunkWritten, Progress
from napari_seamless.engine.part import Part, halo_patches, split
from napari_seamless.errors import ModelError, RunCancelledError, SettingsError
from napari_seamless.plan import make_plan
from napari_seamless.recipe import make_settings

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = make_settings(patch_size=16, chunk_size=16, device="cpu", write="probabilities")


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv3d(1, 3, 3, padding=1), torch.nn.Softmax(1)).eval()


def image() -> np.ndarray:
    return np.random.default_rng(0).random((48, 33, 30), dtype=np.float32)


class SlowNetwork(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.network = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.03)
        return self.network(x)


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=":0") as running:
        yield running


@pytest.mark.parametrize("tasks", [1, 2, 5, 12, 1000])
def test_parts_partition_the_chunks(tasks: int) -> None:
    plan = make_plan((100, 70, 90), 32, 0.5, chunk=32)
    parts = split(plan, tasks)
    chunks = [index for part in parts for index in part]
    assert sorted(chunks) == list(np.ndindex(*plan.chunk_grid))
    assert len(parts) <= max(tasks, 1) * 2 or len(parts) == len(chunks)
    assert halo_patches(plan, parts[:1]) <= 0 if tasks == 1 else halo_patches(plan, parts) > 0


def test_a_part_knows_its_chunks() -> None:
    part = Part((0, 2), (1, 4))
    assert list(part) == [(0, 2), (0, 3)]
    assert (0, 3) in part
    assert (1, 2) not in part


def test_the_bytes_are_those_of_one_process(cluster, tmp_path: Path) -> None:
    one = prepare(image(), network(), SETTINGS, tmp_path / "one.zarr").run()
    events: list[object] = []
    job = prepare(image(), network(), SETTINGS, tmp_path / "many.zarr", scheduler=cluster.scheduler_address)
    many = job.run(events.append)
    for level_one, level_many in zip(one.volume.levels, many.volume.levels, strict=True):
        np.testing.assert_array_equal(level_one.data[...], level_many.data[...])
    assert many.evaluated >= many.patches == one.evaluated
    written = [event.box for event in events if isinstance(event, ChunkWritten)]
    assert len(written) == len(set(written)) == 3 * 3 * 2
    assert [event for event in events if isinstance(event, Progress)][-1].done == one.patches


def test_a_killed_worker_costs_time_and_nothing_else(cluster, tmp_path: Path) -> None:
    one = prepare(image(), network(), SETTINGS, tmp_path / "one.zarr").run()
    job = prepare(image(), SlowNetwork(), SETTINGS, tmp_path / "many.zarr", scheduler=cluster.scheduler_address)
    first_chunk = threading.Event()
    victim = next(iter(cluster.workers.values())).pid

    def kill() -> None:
        first_chunk.wait(60)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    many = job.run(lambda event: first_chunk.set() if isinstance(event, ChunkWritten) else None)
    killer.join()
    np.testing.assert_array_equal(many.array[...], one.array[...])


def test_a_cancelled_run_is_resumed_by_one_process(cluster, tmp_path: Path) -> None:
    control = Control()
    out = tmp_path / "out.zarr"
    job = prepare(image(), SlowNetwork(), SETTINGS, out, scheduler=cluster.scheduler_address)
    written: list[object] = []

    def cancel_in_the_middle(event: object) -> None:
        written.append(event) if isinstance(event, ChunkWritten) else None
        if len(written) > 9:
            control.cancel()

    with pytest.raises(RunCancelledError):
        job.run(cancel_in_the_middle, control)
    resumed = prepare(image(), SlowNetwork(), SETTINGS, out, resume=True).run()
    assert 0 < resumed.evaluated < resumed.patches
    whole = prepare(image(), network(), SETTINGS).run()
    np.testing.assert_array_equal(resumed.array[...], whole.array[...])


def test_an_error_in_a_worker_arrives_as_its_sentence(cluster, tmp_path: Path) -> None:
    misfit = torch.nn.Conv3d(1, 2, 3)
    job = prepare(image(), misfit, SETTINGS, tmp_path / "out.zarr", scheduler=cluster.scheduler_address)
    with pytest.raises(ModelError, match="returned shape"):
        job.run()
    assert not (tmp_path / "out.zarr").exists()


def test_memory_cannot_be_shared() -> None:
    with pytest.raises(SettingsError, match="output"):
        prepare(image(), network(), SETTINGS, workers=2)


def test_a_scheduler_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_seamless.engine.cluster.CONNECT_SECONDS", 1)
    job = prepare(image(), network(), SETTINGS, tmp_path / "out.zarr", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(SettingsError, match="does not answer"):
        job.run()
