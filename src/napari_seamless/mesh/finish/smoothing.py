"""Smooth a surface without shrinking it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types import Surface

Array = np.ndarray[Any, Any]

_AVERAGES = 8
"""Steps over which lost volume is averaged: some three vertices far, which is as wide as a stair of voxels."""


def smooth(
    surface: Surface,
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    iterations: int = 16,
    pass_band: float = 0.25,
    limit: float | None = 1.0,
) -> Surface:
    """Take the stairs of voxels off a surface, and keep its volume.

    A windowed sinc of the umbrella operator (G. Taubin, T. Zhang and G. Golub, ECCV 1996) leaves low frequencies alone.
    Parts that are only a voxel or two thick consist of high ones: volume that is lost in a neighbourhood as a whole is
    given back along the normals, so that a single voxel stays a voxel.

    Parameters
    ----------
    surface : Surface
        Closed.
    spacing : sequence of float
        Size of a voxel along z, y, x, in the units of the surface: the measure of `limit`.
    iterations : int
        Degree of the filter; 0 smooths nothing.
    pass_band : float
        Frequencies that pass, in 0..2 (exclusive): the lower, the smoother, and the rounder are edges. Needs more
        iterations when lower.
    limit : float or None
        Voxels that a vertex may move along each axis; None for no limit.

    Returns
    -------
    Surface
        With the same triangles.

    Raises
    ------
    SettingsError
        If a setting is out of its range.

    Examples
    --------
    >>> from napari_seamless.types import Surface
    >>> corners = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]], float)
    >>> sides = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]], np.int32)
    >>> smoothed = smooth(Surface(vertices=corners, triangles=sides))
    >>> bool(abs(smoothed.vertices - corners).max() <= 1)
    True
    """
    _check(spacing, iterations, pass_band, limit)
    if iterations == 0 or limit == 0 or not len(surface.triangles):
        return surface
    from napari_seamless.mesh.finish.neighbour_kernels import neighbours
    from napari_seamless.mesh.finish.smooth_kernels import filtered, restored

    step = np.array(spacing, np.float64)
    origin = surface.vertices[0].copy()
    began = np.ascontiguousarray((surface.vertices - origin) / step)
    around = neighbours(surface.triangles, len(began))
    moved = filtered(began, *around, _coefficients(iterations, pass_band))
    moved = restored(moved, began, surface.triangles, around, _AVERAGES)
    if limit is not None:
        np.clip(moved, began - limit, began + limit, out=moved)
    return replace(surface, vertices=moved * step + origin)


def _coefficients(degree: int, pass_band: float) -> Array:
    """Return the Chebyshev coefficients of the filter; the mean position of a surface passes unchanged."""
    n = np.arange(1, degree + 1)
    edge = math.acos(1 - pass_band / 2)
    hamming = 0.54 + 0.46 * np.cos(np.pi * n / (degree + 1))
    values = np.concatenate([[edge / np.pi], 2 * np.sin(n * edge) / (n * np.pi) * hamming])
    return np.asarray(values / values.sum())


def _check(spacing: Sequence[float], iterations: int, pass_band: float, limit: float | None) -> None:
    """Refuse settings out of their range."""
    if len(spacing) != 3 or not all(math.isfinite(s) and s > 0 for s in spacing):
        raise SettingsError(f"spacing is {tuple(spacing)}; give three positive lengths, along z, y and x")
    if iterations < 0:
        raise SettingsError(f"iterations is {iterations}; give 0 or more")
    if not 0 < pass_band < 2:
        raise SettingsError(f"pass_band is {pass_band}; give a frequency between 0 and 2, for example 0.25")
    if limit is not None and not limit >= 0:
        raise SettingsError(f"limit is {limit}; give a number of voxels, or None for no limit")
