"""Predicted times: the arithmetic, and that they are of the size of a real run."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from tests.engine.networks import image

from napari_seamless import prepare, segment
from napari_seamless.engine.tuning import Candidate, Tuner
from napari_seamless.engine.tuning.stage_times import StageTimes, patch_voxels, predict, steady_pace
from napari_seamless.plan import make_plan
from napari_seamless.recipe import make_settings

TIMES = StageTimes(read=1e-6, forward=4e-6, pace=2e-6, multiply=1e-7, add=3e-7, reduce=1e-7, before=2.0)


def test_patch_voxels_count_smaller_patches_as_they_are() -> None:
    plan = make_plan((10, 9), 4, 0, border="adaptive")
    assert plan.grids[0].sizes == (4, 4, 2)
    assert patch_voxels(plan) == 10 * 9


def test_the_parts_of_a_prediction() -> None:
    job = prepare(np.zeros((32, 32), np.float32), lambda x: x, make_settings(patch_size=16, overlap=0, device="cpu"))
    prediction = predict(job, TIMES)
    voxels = 32 * 32
    cores = len(job.lanes.devices) * job.lanes.threads
    assert prediction.stages == pytest.approx(
        {"read": 2 + voxels * 1e-6, "forward": voxels * 4e-6, "blend": voxels * 4e-7, "write": voxels * 1e-7}
    )
    assert prediction.seconds == pytest.approx(2 + voxels * 2e-6 + voxels * 5e-7 / cores)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_the_pace_of_lanes_that_finish_together(lanes: int) -> None:
    instants = [3.0 + 0.6 * (i // lanes) for i in range(30)]
    assert steady_pace(instants, lanes) == pytest.approx(0.6 / lanes)


def test_a_stall_does_not_count() -> None:
    instants = np.arange(40) * 0.5
    instants[20:] += 60
    assert steady_pace(list(instants), 1) == pytest.approx(0.5)


def test_a_prediction_is_of_the_size_of_the_run() -> None:
    """A network that waits 10 ms for each patch, whatever else the machine does; the benchmark looks closer."""

    def slow(batch: torch.Tensor) -> torch.Tensor:
        time.sleep(0.01)
        return torch.cat([batch, 1 - batch], 1)

    settings = make_settings(patch_size=16, device="cpu")
    with Tuner(image((96, 96)), slow, settings, "0:48,0:48") as tuner:
        tuner.evaluate(Candidate((16,), 0.5))
        predicted = tuner.predict(Candidate((16,), 0.5)).seconds
    result = segment(image((96, 96)), slow, patch_size=16, overlap=0.5, border="edge", device="cpu")
    assert result.patches == 121
    assert 1.15 < predicted < 2 * result.timings["total"]
