"""A narrow network, a volume that it half fills, and what the network says of it whole and in memory."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from tests.models.oss_net.weights import small, volume

from napari_seamless.models.oss_net import OSSNet

SHAPE = (21, 18, 19)


def voxels(channels: int = 1, shape: tuple[int, ...] = SHAPE) -> np.ndarray[Any, Any]:
    """(c, z, y, x), or (z, y, x) of one channel; neither mean nor deviation are those of a normalised volume."""
    made = 3 + 5 * volume(channels, shape, 7).numpy()
    return made[0] if channels == 1 else made


def network(name: str = "oss_net_C1_lits", **changes: Any) -> OSSNet:
    return small(name, **changes)[0]


def normalised(image: np.ndarray[Any, Any]) -> torch.Tensor:
    image = image.astype(np.float64).reshape(-1, *image.shape[-3:])
    mean, deviation = (getattr(image, k)(axis=(1, 2, 3), keepdims=True) for k in ("mean", "std"))
    return torch.from_numpy((image - mean) / deviation).float()


def low_of(seen: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.interpolate(seen[None], scale_factor=0.5, mode="trilinear", align_corners=False)[0]


@cache
def level(name: str, share: float, channels: int = 1) -> float:
    """A threshold that this share of the voxels does not exceed."""
    seen = normalised(voxels(channels))
    found = network(name)
    latent, _ = found.encode(low_of(seen))
    answers = found.occupancy(seen, torch.ones(SHAPE).nonzero()[::7], latent)
    return float(answers.quantile(share))


@cache
def truth(name: str, stages: tuple[int, ...], threshold: float, low_resolution_threshold: float | None = None) -> Any:
    seen = normalised(voxels(network(name).settings.channels))
    options = {"low_resolution_threshold": low_resolution_threshold}
    return network(name).segment(low_of(seen), seen, stages, threshold, **options).numpy()
