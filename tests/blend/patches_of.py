"""Patch outputs that tests can make anew: any number, decided by the patch's index alone."""

from __future__ import annotations

import numpy as np
import torch

from napari_seamless.blend import ChunkAccumulators
from napari_seamless.types import Plan


def output_of(plan: Plan, index: tuple[int, ...], classes: int = 2) -> torch.Tensor:
    """Return float32 (class, *patch) of random numbers for one patch."""
    number = int(np.ravel_multi_index(index, plan.grid_shape))
    values = np.random.default_rng(number).random((classes, *plan.patch_box(index).shape), dtype=np.float32)
    return torch.from_numpy(values)


def assemble(plan: Plan, sums: ChunkAccumulators, classes: int = 2) -> tuple[np.ndarray, list[tuple[int, ...]], int]:
    """Add every patch in raster order; return the whole sum, the chunks as they came, and the most bytes held."""
    whole = np.full((classes, *plan.shape), np.nan, np.float32)
    order, most = [], 0
    for index in np.ndindex(*plan.grid_shape):
        for chunk, total in sums.add(output_of(plan, index, classes), index):
            most = max(most, sums.held_bytes + 4 * total.numel())
            whole[(slice(None), *plan.chunk_box(chunk).slices)] = total.numpy()
            order.append(chunk)
        most = max(most, sums.held_bytes)
    return whole, order, most
