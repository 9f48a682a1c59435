"""A volume in blocks of whole chunks."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.types import Volume


def spatial_chunk(volume: Volume) -> tuple[int, ...] | None:
    """Return the stored chunk per spatial axis, None where the array is not chunked."""
    chunks = getattr(volume.data, "stored_chunks", None) or getattr(volume.data, "chunks", None)
    if not chunks or len(chunks) != len(volume.axes):
        return None
    sizes = (max(c) if isinstance(c, tuple) else int(c) for c in chunks)
    return tuple(c for axis, c in zip(volume.axes, sizes, strict=True) if axis in volume.spatial_axes)


def blocks(shape: tuple[int, ...], chunk: tuple[int, ...] | None, n_voxels: int) -> Iterator[Box]:
    """Yield boxes that partition a shape, in raster order: whole chunks, about `n_voxels` together.

    Examples
    --------
    >>> [box.start for box in blocks((4, 6), (2, 3), n_voxels=12)]
    [(0, 0), (2, 0)]
    """
    block = [min(c, n) for c, n in zip(chunk or (1,) * len(shape), shape, strict=True)]
    for axis in range(len(shape)):  # a chunk beyond the bound is cut along its slowest axes
        block[axis] = max(1, min(block[axis], n_voxels // math.prod(block[axis + 1 :])))
    for axis in reversed(range(len(shape))):
        block[axis] = min(shape[axis], block[axis] * max(1, n_voxels // math.prod(block)))
        if block[axis] < shape[axis]:
            break
    for start in itertools.product(*(range(0, n, b) for n, b in zip(shape, block, strict=True))):
        yield Box(start, tuple(min(a + b, n) for a, b, n in zip(start, block, shape, strict=True)))
