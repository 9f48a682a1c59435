"""How long a run over the whole volume would take, from the stages of a few patches."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_seamless.blend import ChunkAccumulators, Scratch
from napari_seamless.engine.memory import WRITERS
from napari_seamless.engine.output import make_reduction
from napari_seamless.engine.threads import single_threaded
from napari_seamless.plan import window_array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_seamless.engine.job import Job
    from napari_seamless.types import Plan

_GROUPS = 4
"""Results come in bursts: their pace is that of a few groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTimes:
    """Seconds for each voxel of a patch, measured while patches were evaluated.

    Parameters
    ----------
    read, forward : float
        Busy time of one thread for each voxel of a patch.
    pace : float
        Wall time for each voxel of a patch with all lanes at work: reading and the network.
    multiply : float
        Busy time of one thread for the window, for each voxel of a patch.
    add : float
        Busy time of one thread for the sums, for each voxel of a patch.
    reduce : float
        Busy time of one thread for what is stored, for each voxel of the output.
    before : float
        Seconds before the first patch: intensities are measured over the whole volume.
    """

    read: float
    forward: float
    pace: float
    multiply: float
    add: float
    reduce: float
    before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a run is expected to take.

    Parameters
    ----------
    seconds : float
        Wall time.
    stages : dict of str to float
        Busy seconds by stage, as in `Segmentation.timings`: read, forward, blend, write.
    """

    seconds: float
    stages: dict[str, float]


def predict(job: Job, times: StageTimes) -> Prediction:
    """Predict a run of a job.

    On a CPU the sums and what is stored take the same cores as the network. A GPU computes meanwhile: what takes
    longer decides.

    Parameters
    ----------
    job : Job
        The run.
    times : StageTimes
        Measured with patches of its size.
    """
    voxels, stored = patch_voxels(job.plan), job.plan.output_box.size
    stages = {
        "read": times.before + voxels * times.read,
        "forward": voxels * times.forward,
        "blend": voxels * (times.multiply + times.add),
        "write": stored * times.reduce,
    }
    network = voxels * times.pace
    if job.device.type == "cpu":
        cores = len(job.lanes.devices) * job.lanes.threads
        wall = network + (stages["blend"] + stages["write"]) / cores
    else:
        wall = max(network + voxels * times.multiply, voxels * times.add, stages["write"] / WRITERS)
    return Prediction(seconds=times.before + wall, stages=stages)


def patch_voxels(plan: Plan) -> int:
    """Return the voxels of all patches that a run evaluates; patches at a border may be smaller."""
    box = plan.output_box
    return math.prod(
        sum(grid.sizes[i] for i in grid.touching(lo, hi))
        for grid, lo, hi in zip(plan.grids, box.start, box.stop, strict=True)
    )


def steady_pace(instants: Sequence[float], lanes: int) -> float:
    """Return seconds for each result, from the instants at which results came; lanes finish in groups.

    The mean over the middle half of the groups: neither the first passes, which are slower, nor moments at which the
    machine did something else, count.

    Examples
    --------
    >>> steady_pace([*range(20), *range(100, 120)], lanes=1)
    1.0
    """
    group = max(1, min(max(_GROUPS * lanes, len(instants) // 16), len(instants) - 1))
    gaps = sorted(b - a for a, b in zip(instants, instants[group:], strict=False))
    cut = len(gaps) // 4
    return mean(gaps[cut : len(gaps) - cut]) / group


def measure_blend(job: Job, classes: int) -> tuple[float, float, float]:
    """Return what window, sums and what is stored take, with patches of zeros.

    Parameters
    ----------
    job : Job
        The run.
    classes : int
        Channels that the network returns.

    Returns
    -------
    multiply, add, reduce : float
        Seconds for each voxel of a patch, the same, and for each voxel of the output.
    """
    plan, home = job.plan, job.device
    patch = torch.zeros((classes, *plan.patch_size), device=home)
    window = torch.from_numpy(window_array(plan.window, plan.patch_size).copy()).to(home)
    with single_threaded(), Scratch() as scratch:
        multiply = _shortest(lambda: patch * window)
        sums = ChunkAccumulators(plan, scratch, budget=2**62)
        indices = itertools.islice(itertools.product(*map(range, plan.grid_shape)), 6)
        add = min(_seconds(lambda index=index: list(sums.add(patch, index))) for index in indices)  # type: ignore[misc]
        reduction = make_reduction(job, classes)
        box = plan.chunk_box((0,) * len(plan.chunk))
        # tiles are what a processor's cache holds; a whole chunk of them takes in proportion
        block = torch.zeros((classes, *box.shape), device=home)
        reduce = _shortest(lambda: np.asarray(reduction.function(block, box)))
    voxels = math.prod(plan.patch_size)
    return multiply / voxels, add / voxels, reduce / box.size


def _shortest(call: Callable[[], object]) -> float:
    return min(_seconds(call) for _ in range(3))


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin
