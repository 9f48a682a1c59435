"""How well the surfaces of two segmentations agree."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError, VolumeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Mask = np.ndarray[Any, np.dtype[np.bool_]]

_MOST_SHIFTS = 4096


def surface_dice(
    labels: np.ndarray[Any, Any],
    truth: np.ndarray[Any, Any],
    classes: Sequence[str],
    *,
    spacing: Sequence[float],
    tolerance: float | None = None,
) -> dict[str, float | None]:
    r"""Measure which part of the surfaces of each class lies within a tolerance of the other surface.

    A surface is the voxels of a class that have a neighbour of another class along an axis; the edge of the array is
    none. The score is the part of both surfaces' voxels from which the other surface is at most the tolerance away,
    in straight lines between the voxels' centres (Nikolov et al., arXiv:1809.04430, with voxels in the place of surface
    elements).

    Parameters
    ----------
    labels, truth : numpy.ndarray
        (\*space) integers, class of each voxel.
    classes : sequence of str
        Name of each class by its label, the background first.
    spacing : sequence of float
        Voxel size per axis.
    tolerance : float or None
        Distance in the units of the spacing, >= 0; None takes the largest voxel size, so that one voxel is tolerated
        along every axis.

    Returns
    -------
    dict of str to float or None
        Score in [0, 1] by class name; None for a class that has a surface in neither.

    Raises
    ------
    VolumeError
        The shapes differ.
    SettingsError
        The tolerance is negative, or so many voxels wide that this way of counting does not pay.

    Examples
    --------
    >>> labels, truth = np.array([0, 1, 1, 0, 0, 0]), np.array([0, 1, 1, 1, 1, 0])
    >>> surface_dice(labels, truth, ["background", "cell"], spacing=[2.0], tolerance=2.0)
    {'cell': 0.75}
    """
    if labels.shape != truth.shape or len(spacing) != labels.ndim:
        raise VolumeError(
            f"labels, truth and spacing must fit each other, got {labels.shape}, {truth.shape} and {len(spacing)} "
            "voxel sizes; compare volumes of one shape."
        )
    limit = max(spacing) if tolerance is None else tolerance
    shifts = list(_shifts(spacing, limit))
    return {name: _score(labels == label, truth == label, shifts) for label, name in enumerate(classes) if label > 0}


def _shifts(spacing: Sequence[float], tolerance: float) -> Iterator[tuple[int, ...]]:
    """Yield the distances in whole voxels per axis that are no longer than the tolerance."""
    if not 0 <= tolerance < math.inf:
        raise SettingsError(f"tolerance must be a distance of at least 0, got {tolerance:g}; try {max(spacing):g}.")
    # a millionth forgives the rounding of decimal voxel sizes
    limit = tolerance * (1 + 1e-6)
    reach = [int(limit / size) for size in spacing]
    if math.prod(2 * n + 1 for n in reach) > _MOST_SHIFTS:
        raise SettingsError(f"tolerance is {tolerance:g}, which is too many voxels; try {2 * max(spacing):g}.")
    for shift in itertools.product(*(range(-n, n + 1) for n in reach)):
        if math.dist([0.0] * len(shift), [s * size for s, size in zip(shift, spacing, strict=True)]) <= limit:
            yield shift


def _score(first: Mask, second: Mask, shifts: list[tuple[int, ...]]) -> float | None:
    surfaces = _surface(first), _surface(second)
    total = sum(int(np.count_nonzero(surface)) for surface in surfaces)
    if total == 0:
        return None
    near = sum(
        int(np.count_nonzero(one & _grown(other, shifts))) for one, other in (surfaces, surfaces[::-1]) if other.any()
    )
    return near / total


def _surface(mask: Mask) -> Mask:
    """Return the voxels of a mask with a neighbour outside it, along an axis."""
    surface = np.zeros_like(mask)
    for axis in range(mask.ndim):
        lower, upper = (_along(axis, slice(None, -1)), _along(axis, slice(1, None)))
        differs = mask[lower] != mask[upper]
        surface[lower] |= differs
        surface[upper] |= differs
    return surface & mask


def _grown(mask: Mask, shifts: list[tuple[int, ...]]) -> Mask:
    """Return the voxels from which one of the shifts leads into the mask."""
    grown = np.zeros_like(mask)
    for shift in shifts:
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, mask.shape, strict=True))
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(shift, mask.shape, strict=True))
        if all(abs(s) < n for s, n in zip(shift, mask.shape, strict=True)):
            grown[here] |= mask[there]
    return grown


def _along(axis: int, part: slice) -> tuple[slice, ...]:
    return (slice(None),) * axis + (part,)
