"""A volume at half its resolution, made block by block: what an encoder sees."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.models.oss_net.patches import read_box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK = 64
"""Edge of a block of the result."""


def half_resolution(
    volume: Any, origin: tuple[int, ...], shape: tuple[int, ...], between: Callable[[int, int], None] | None = None
) -> torch.Tensor:
    """Take the mean of every 2^3 voxels.

    That is trilinear interpolation at half the scale without aligned corners: every new voxel's centre is the corner
    that eight old ones share. The last voxel of an odd edge is left out, as there.

    Parameters
    ----------
    volume : array-like
        (channel, z, y, x) float32, read by blocks; zero beyond its edges.
    origin, shape : tuple of int
        First voxel that is read, and (z, y, x) of the result.
    between : callable or None
        Called with blocks done and blocks in all.

    Returns
    -------
    torch.Tensor
        (channel, z, y, x) float32.

    Raises
    ------
    VolumeError
        The volume holds values that are not finite.

    Examples
    --------
    >>> half_resolution(torch.arange(8.0).reshape(1, 2, 2, 2), (0, 0, 0), (1, 1, 1))
    tensor([[[[3.5000]]]])
    """
    low = torch.zeros((volume.shape[0], *shape))
    blocks = list(_blocks(shape))
    for done, (start, stop) in enumerate(blocks):
        first = [o + 2 * a for o, a in zip(origin, start, strict=True)]
        last = [o + 2 * b for o, b in zip(origin, stop, strict=True)]
        voxels = read_box(volume, first, last, torch.device("cpu"))
        place = (slice(None), *(slice(a, b) for a, b in zip(start, stop, strict=True)))
        low[place] = torch.nn.functional.avg_pool3d(voxels[None], 2)[0]
        if between is not None:
            between(done + 1, len(blocks))
    return low


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    for start in itertools.product(*(range(0, edge, _BLOCK) for edge in shape)):
        yield start, tuple(int(n) for n in np.minimum(np.asarray(start) + _BLOCK, shape))
