"""Patch outputs that tests can make anew: any number, decided by the patch's index alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from napari_seamless.blend import ChunkAccumulators
from napari_seamless.types import Plan


def output_of(plan: Plan, index: tuple[int, ...], classes: int = 2) -> torch.Tensor:
    """Return float32 (class, *patch) of random numbers for one patch."""
    number = int(np.ravel_multi_index(index, plan.grid_shape))
    values = np.random.default_rng(number).random((classes, *plan.patch_box(index).shape), dtype=np.float32)
    return torch.from_numpy(values)


def assemble(
    plan: Plan,
    sums: ChunkAccumulators,
    order: Iterable[tuple[int, ...]] | None = None,
    classes: int = 2,
) -> tuple[np.ndarray, list[tuple[int, ...]], int]:
    """Add patches, in raster order unless told otherwise; return the output's sum, its chunks in turn, most bytes."""
    output = plan.output_box
    whole = np.full((classes, *output.shape), np.nan, np.float32)
    finished, most = [], 0
    for index in np.ndindex(*plan.grid_shape) if order is None else order:
        for chunk, total in sums.add(output_of(plan, index, classes), index):
            most = max(most, sums.held_bytes + total.nbytes)
            whole[(slice(None), *plan.chunk_box(chunk).within(output.start).slices)] = total.whole().numpy()
            finished.append(chunk)
        most = max(most, sums.held_bytes)
    return whole, finished, most
