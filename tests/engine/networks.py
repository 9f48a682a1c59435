"""Small networks with known behaviour, and volumes to run them on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from napari_seamless.models import TorchModel
from napari_seamless.types import ModelSpec, Volume
from napari_seamless.volume import open_volume

Network = Callable[[torch.Tensor], torch.Tensor]


def image(shape: tuple[int, ...], *, seed: int = 0, **options: object) -> Volume:
    """Return random float32 voxels in [0, 1)."""
    array = np.random.default_rng(seed).random(shape, dtype=np.float32)
    return open_volume(array, **options)  # type: ignore[arg-type]


def local_network(n: int = 3, classes: int = 3, *, kernel: int = 3, channels: int = 1) -> nn.Module:
    """Return two seeded convolutions that keep the shape by zero padding; receptive radius 2 * (kernel // 2)."""
    conv = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[n]
    torch.manual_seed(3)
    pad = kernel // 2
    return nn.Sequential(
        conv(channels, 4, kernel, padding=pad), nn.ReLU(), conv(4, classes, kernel, padding=pad), nn.Softmax(1)
    ).eval()


def whole_pass(network: nn.Module, volume: Volume) -> np.ndarray:
    """Evaluate the whole volume at once: (class, *spatial)."""
    voxels = np.asarray(volume.data[...], np.float32)
    batch = torch.from_numpy(voxels)[(None,) * (2 if "c" not in volume.axes else 1)]
    with torch.inference_mode():
        return network(batch)[0].numpy()


class Counting:
    """Remember how many patches were evaluated, where, and in how many calls; optionally slowly.

    The first channel is expected to hold each voxel's own number, so that a patch names its place.
    """

    def __init__(self, network: Network | None = None, *, seconds: float = 0.0) -> None:
        self.calls = 0
        self.corners: list[int] = []
        self.called = threading.Event()
        self._network = network or (lambda x: torch.cat([x, 1 - x], 1))
        self._seconds = seconds

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.corners += [int(patch.flatten()[0]) for patch in batch]
        self.called.set()
        time.sleep(self._seconds)
        return self._network(batch)


def numbered(shape: tuple[int, ...]) -> Volume:
    """Return a volume in which every voxel holds its own raster number."""
    return open_volume(np.arange(np.prod(shape), dtype=np.float32).reshape(shape))


def as_model(network: Network, n: int, **spec: object) -> TorchModel:
    """Wrap a callable for volumes with `n` spatial axes."""
    return TorchModel(network, ModelSpec(name="network", n_spatial=n, **spec))  # type: ignore[arg-type]
