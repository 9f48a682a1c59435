"""Volumes for training whose truth is known, and arrays that count what is read of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless.types import Level, Volume

SHAPE = (24, 20, 28)


def ball(shape: tuple[int, ...] = SHAPE, radius: float = 6.0) -> np.ndarray:
    """Return labels with a ball in the middle."""
    grid = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    return (sum(axis**2 for axis in grid) <= radius**2).astype(np.uint8)


def noisy(labels: np.ndarray, seed: int = 0, noise: float = 0.3) -> np.ndarray:
    """Return an image that shows labels in noise."""
    rng = np.random.default_rng(seed)
    return (labels + noise * rng.standard_normal(labels.shape)).astype(np.float32)


class CountingArray:
    """An array in chunks that remembers how often each chunk was read, and how many voxels at once at the most."""

    def __init__(self, array: np.ndarray, chunk: int) -> None:
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.chunks = (chunk,) * array.ndim
        self.reads = np.zeros([-(-n // chunk) for n in array.shape], dtype=int)
        self.largest = 0

    def __getitem__(self, key: Any) -> np.ndarray:
        touched = tuple(slice(s.start // c, -(-s.stop // c)) for s, c in zip(key, self.chunks, strict=True))
        self.reads[touched] += 1
        part = self.array[key]
        self.largest = max(self.largest, part.size)
        return part


def volume_of(data: Any, spacing: tuple[float, ...] | None = None, name: str = "volume") -> Volume:
    """Return an array as a volume without a detour."""
    axes = ("z", "y", "x")[-len(data.shape) :]
    spacing = spacing or (1.0,) * len(axes)
    level = Level(data=data, spacing=spacing, translation=(0.0,) * len(axes))
    return Volume(name=name, axes=axes, levels=(level,), units=(None,) * len(axes))
