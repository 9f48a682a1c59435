"""The signed distances of one class in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.distance.passes import signed_squares, to_distances

if TYPE_CHECKING:
    from napari_seamless.distance.convention import Measure

Array = np.ndarray[Any, np.dtype[np.float32]]


def signed_distances(inside: np.ndarray[Any, np.dtype[np.bool_]], measure: Measure, threads: int = 1) -> Array:
    r"""Measure the signed distances of a class.

    Parameters
    ----------
    inside : numpy.ndarray
        (\*space) bool of one to three axes: where the class is.
    measure : Measure
        What is measured.
    threads : int
        Threads.

    Returns
    -------
    numpy.ndarray
        (\*space) float32 in the unit of the spacing; infinite, or the limit, where there are no two kinds of voxels.
    """
    inside = np.ascontiguousarray(inside)
    if measure.convention == "published":
        return _centre_to_centre(inside, measure, threads)
    squares = signed_squares(inside, measure, range(inside.ndim), threads)
    to_distances(squares, measure)
    return squares


def _centre_to_centre(inside: np.ndarray[Any, np.dtype[np.bool_]], measure: Measure, threads: int) -> Array:
    """Measure with the library edt: it takes several labels at once, so one run tells inside and outside."""
    import edt

    kinds = inside.view(np.uint8) + np.uint8(1)
    steps = measure.steps if inside.ndim > 1 else measure.steps[0]
    distances: Array = edt.edt(kinds, anisotropy=steps, black_border=False, parallel=threads)
    if measure.unit != 1:
        distances *= np.float32(measure.unit)
    np.subtract(np.float32(measure.shift), distances, out=distances, where=inside)
    if np.isfinite(measure.limit):
        np.clip(distances, -np.float32(measure.limit), np.float32(measure.limit), out=distances)
    return distances
