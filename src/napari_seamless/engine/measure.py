"""How long a patch takes, from a few of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from napari_seamless.engine.evaluator import Evaluator
from napari_seamless.engine.lanes import Lanes
from napari_seamless.engine.reading import patch_reader, read_batch
from napari_seamless.engine.stopwatch import Stopwatch
from napari_seamless.plan import Batch, Batches
from napari_seamless.types import Normalization

if TYPE_CHECKING:
    from napari_seamless.engine.job import Job


def measure(job: Job) -> float:
    """Return the seconds of wall time for each patch: see `Job.measure`."""
    reader = patch_reader(job.volume, job.settings, job.plan, Normalization(), None)
    batches = Batches(job.plan)
    batch = batches[batches.number(tuple(len(grid) // 2 for grid in job.plan.grids))]
    job.model.to(job.device)
    evaluate = Evaluator(job.model, job.device, job.settings, job.plan, lambda _: None)
    if evaluate.needs_verification:
        evaluate.verify(torch.from_numpy(read_batch(reader, job.plan, batch)).to(job.device))

    def work(batch: Batch, lanes: Lanes[Batch, float]) -> float:
        voxels = torch.from_numpy(read_batch(reader, job.plan, batch))
        with lanes.take():
            return float(evaluate(voxels.to(job.device)).sum())

    n = len(job.lanes.devices)
    seconds = 0.0
    with Lanes(job.lanes, work, Stopwatch()) as lanes:
        for _ in range(2):
            begin = time.perf_counter()
            list(lanes.map([batch] * n))
            seconds = time.perf_counter() - begin
    return seconds / (n * len(batch))
