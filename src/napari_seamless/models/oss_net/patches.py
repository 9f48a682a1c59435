"""The voxels around coordinates: regions read from a volume, and patches gathered from them.

A large patch holds 14^3 voxels pooled by 2. Pooled at every voxel once (`Region.pooled`), it is every second value of
that field, so that neighbouring coordinates share the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_seamless.errors import VolumeError
from napari_seamless.models.oss_net.settings import PATCH, Pooling

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCAL_REACH = (3, 3)
"""Voxels before and after a coordinate in a local patch."""

LARGE_REACH = (7, 6)
"""Voxels before and after a coordinate in a large patch."""

_LARGE = sum(LARGE_REACH) + 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """What lies around some coordinates, zero beyond the volume.

    Parameters
    ----------
    voxels : torch.Tensor
        (channel, z, y, x) float32.
    low : torch.Tensor
        (3,) int64: the voxel at the region's corner, which may be negative.
    pooling : {"mean", "max"} or None
        How large patches are pooled; None where there are none.
    pooled : torch.Tensor or None
        (channel, z, y, x): every voxel pooled with its successors along each axis; None where there are no
        large patches or so few coordinates that pooling each patch is less work.
    """

    voxels: Tensor
    low: Tensor
    pooling: Pooling | None = None
    pooled: Tensor | None = None


def region_around(volume: Any, coordinates: Tensor, pooling: Pooling | None = None) -> Region:
    """Read the box around coordinates.

    Parameters
    ----------
    volume : array-like
        (channel, z, y, x): a tensor, or anything whose slices become arrays; only the box is read.
    coordinates : torch.Tensor
        (n, 3) int64 voxel indices, at least one; the region goes to their device.
    pooling : {"mean", "max"} or None
        How large patches are pooled; None for local patches alone.

    Raises
    ------
    VolumeError
        The box holds values that are not finite.
    """
    before, after = LARGE_REACH if pooling else LOCAL_REACH
    low, high = coordinates.amin(0) - before, coordinates.amax(0) + after + 1
    voxels = read_box(volume, low.tolist(), high.tolist(), coordinates.device)
    pooled = None
    if pooling and voxels[0].numel() <= len(coordinates) * _LARGE**3:
        pooled = pool_pairs(voxels, pooling)
    return Region(voxels=voxels, low=low, pooling=pooling, pooled=pooled)


def read_box(volume: Any, low: Sequence[int], high: Sequence[int], device: torch.device) -> Tensor:
    """Read voxels from `low` to before `high`, zero beyond the volume, as float32 on a device.

    Raises
    ------
    VolumeError
        The box holds values that are not finite.
    """
    edges = volume.shape[1:]
    starts = [min(max(a, 0), edge) for a, edge in zip(low, edges, strict=True)]
    stops = [max(min(b, edge), a) for a, b, edge in zip(starts, high, edges, strict=True)]
    part = volume[(slice(None), *(slice(a, b) for a, b in zip(starts, stops, strict=True)))]
    if not isinstance(part, Tensor):
        part = torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32))
    part = part.to(device, torch.float32)
    if not bool(torch.isfinite(part).all()):
        raise VolumeError(
            f"The volume holds NaN or infinity between voxels {starts} and {stops}; replace these values."
        )
    box = part.new_zeros((len(part), *(b - a for a, b in zip(low, high, strict=True))))
    inner = (slice(a - c, b - c) for a, b, c in zip(starts, stops, low, strict=True))
    box[(slice(None), *inner)] = part
    return box


def pool_pairs(voxels: Tensor, pooling: Pooling) -> Tensor:
    """Pool every voxel of (channel, z, y, x) with its successor along each axis; edges shrink by one."""
    for axis in (3, 2, 1):
        one, other = voxels.narrow(axis, 0, voxels.shape[axis] - 1), voxels.narrow(axis, 1, voxels.shape[axis] - 1)
        voxels = torch.maximum(one, other) if pooling == "max" else (one + other).mul_(0.5)
    return voxels


def gather(region: Region, coordinates: Tensor) -> Tensor:
    """Gather the patches of coordinates, plane by plane.

    Parameters
    ----------
    region : Region
        What lies around these coordinates and maybe others.
    coordinates : torch.Tensor
        (n, 3) int64.

    Returns
    -------
    torch.Tensor
        (n, z, channel, y, x): 7 planes; local channels before large ones.
    """
    if region.pooling and region.pooled is None:
        return _pooled_one_by_one(region, coordinates - region.low - LARGE_REACH[0])
    parts = [windows(field, starts, PATCH, step) for field, starts, step in fields_of(region, coordinates)]
    return torch.cat(parts, dim=2) if len(parts) > 1 else parts[0]


def fields_of(region: Region, coordinates: Tensor) -> list[tuple[Tensor, Tensor, int]]:
    """Return what patches are made of, local before large: values, (n, 3) first value of each patch, step."""
    corner = coordinates - region.low
    fields = [(region.voxels, corner - LOCAL_REACH[0], 1)]
    if region.pooled is not None:
        fields.append((region.pooled, corner - LARGE_REACH[0], 2))
    return fields


def gather_patches(volume: Any, coordinates: Tensor, pooling: Pooling | None = None) -> Tensor:
    """Gather the patches around coordinates from a volume.

    Parameters
    ----------
    volume, coordinates, pooling
        As in `region_around`; coordinates may be none at all.

    Returns
    -------
    torch.Tensor
        (n, channel, 7, 7, 7) float32; with large patches twice the volume's channels, local ones first.

    Raises
    ------
    VolumeError
        The volume is not finite there.

    Examples
    --------
    >>> gather_patches(torch.ones(2, 9, 9, 9), torch.tensor([[4, 4, 4]]), "mean").shape
    torch.Size([1, 4, 7, 7, 7])
    """
    if not len(coordinates):
        channels = volume.shape[0] * (2 if pooling else 1)
        return torch.zeros(0, channels, PATCH, PATCH, PATCH, device=coordinates.device)
    region = region_around(volume, coordinates, pooling)
    return gather(region, coordinates).transpose(1, 2).contiguous()


def windows_of(field: Tensor, starts: Tensor, step: int) -> Tensor:
    """Gather single planes of patches.

    Parameters
    ----------
    field : torch.Tensor
        (channel, z, y, x), contiguous.
    starts : torch.Tensor
        (n, 3) int64: first value of each plane.
    step : int
        1 takes neighbouring values, 2 every second one.

    Returns
    -------
    torch.Tensor
        (n, channel, y, x).
    """
    return windows(field, starts, PATCH, step, planes=1)[:, 0]


def windows(field: Tensor, starts: Tensor, edge: int, step: int, *, planes: int | None = None) -> Tensor:
    """Gather windows by indexing a view that holds the window of every voxel.

    Parameters
    ----------
    field, starts, step
        As in `windows_of`.
    edge : int
        Values along each edge.
    planes : int or None
        Values along z, where they are not `edge` too.

    Returns
    -------
    torch.Tensor
        (n, z, channel, y, x).
    """
    channels, z, y, x = field.shape
    along_c, along_z, along_y, along_x = field.stride()
    planes = edge if planes is None else planes
    reach = (edge - 1) * step
    size = (z - (planes - 1) * step, y - reach, x - reach, planes, channels, edge, edge)
    steps = (along_z, along_y, along_x, along_z * step, along_c, along_y * step, along_x * step)
    first, second, third = starts.unbind(1)
    return field.as_strided(size, steps)[first, second, third]


def _pooled_one_by_one(region: Region, starts: Tensor) -> Tensor:
    """Gather few patches: 14^3 voxels each, the local patch out of their middle, the large one pooled."""
    whole = windows(region.voxels, starts, _LARGE, 1).transpose(1, 2)
    first = LARGE_REACH[0] - LOCAL_REACH[0]
    middle = slice(first, first + PATCH)
    pool = F.max_pool3d if region.pooling == "max" else F.avg_pool3d
    pooled = torch.cat([whole[:, :, middle, middle, middle], pool(whole, 2)], dim=1)
    return pooled.transpose(1, 2)
