"""Shapes whose area, volume and topology are known, in a grid of 64 voxels along each axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SPACINGS = [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (0.9, 0.8, 1.1)]
CENTRE = (31.63, 31.37, 31.21)
"""Of the shapes in voxels: nothing lies flush with the grid."""


@dataclass(frozen=True)
class Shape:
    """A solid about the origin, as a signed distance that is below 0 inside, and what is known of it."""

    distance: Callable[[np.ndarray], np.ndarray]
    area: float
    volume: float
    euler: int
    half: tuple[float, float, float]

    def field(self, spacing: tuple[float, ...], n: int = 64) -> np.ndarray:
        """Signed distances (n, n, n) at the centres of voxels."""
        axes = [(np.arange(n) - c) * s for c, s in zip(CENTRE, spacing, strict=True)]
        return self.distance(np.stack(np.meshgrid(*axes, indexing="ij"), -1))


def sphere(radius: float) -> Shape:
    def distance(p):
        return np.linalg.norm(p, axis=-1) - radius

    return Shape(distance, 4 * np.pi * radius**2, 4 / 3 * np.pi * radius**3, 2, (radius,) * 3)


def torus(ring: float, tube: float) -> Shape:
    """A ring in the plane of y and x."""

    def distance(p):
        return np.hypot(np.hypot(p[..., 1], p[..., 2]) - ring, p[..., 0]) - tube

    half = (tube, ring + tube, ring + tube)
    return Shape(distance, 4 * np.pi**2 * ring * tube, 2 * np.pi**2 * ring * tube**2, 0, half)


def box(*half: float) -> Shape:
    def distance(p):
        beyond = np.abs(p) - half
        return np.linalg.norm(np.maximum(beyond, 0), axis=-1) + np.minimum(beyond.max(-1), 0)

    a, b, c = half
    return Shape(distance, 8 * (a * b + b * c + c * a), 8 * a * b * c, 2, half)


def filling(name: str, spacing: tuple[float, ...]) -> Shape:
    """Return the shape of that name that fills most of the grid with voxels of that size."""
    a, b, c = (27.5 * s for s in spacing)
    least = min(a, b, c)
    made = {"sphere": sphere(least), "torus": torus(0.68 * min(b, c), 0.31 * least), "box": box(a, 0.83 * b, 0.91 * c)}
    return made[name]
