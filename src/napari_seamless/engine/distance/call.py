"""`signed_distance_map`: the whole map in memory."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.distance import Census, Convention, count_labels, signed_distances
from napari_seamless.engine.distance.labels import open_labels, read_labels, spacing_warnings
from napari_seamless.engine.distance.settings import DistanceSettings
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Sequence


def signed_distance_map(  # noqa: PLR0913  each is an optional choice, by name
    labels: Any,
    spacing: float | Sequence[float] | None = None,
    classes: Sequence[int] | None = None,
    *,
    convention: Convention = "published",
    max_distance: float | None = None,
    threads: int | None = None,
) -> np.ndarray[Any, np.dtype[np.float32]]:
    r"""Measure how far each voxel is from each class, and how deep inside it.

    Two conventions:

    - ``"published"``, of the boundary loss (H. Kervadec et al., Medical Image Analysis 67, 2021). Outside a class:
      the distance from the voxel's centre to the nearest centre of a voxel of the class. Inside: minus (the distance to
      the nearest centre of a voxel outside it, less 1), where 1 is one unit of the spacing; with voxels smaller than a
      unit a voxel at the border is therefore positive.
    - ``"exact"``: the distance from the voxel's centre to the nearest point of the interface, negative inside. The
      interface is the union of all faces between a voxel of the class and one outside it; a voxel beside a flat
      interface is half a voxel size away. The border of the array is no interface.

    The map of a class that no voxel has is zero. So is that of a class that every voxel has: there is no border to
    measure to (the published code leaves such a map to SciPy, which returns distances to a point outside the array).

    Parameters
    ----------
    labels : array, path, napari layer, Volume or anything that `open_volume` takes
        (\*space) integers or bool with one to three spatial axes.
    spacing : float or sequence of float, optional
        Voxel size per spatial axis; that of the labels' metadata by default, else 1.
    classes : sequence of int, optional
        Label values in the order of the maps; by default 0 to the largest label, which must be below 64, so that the
        maps stand in the order of a network's outputs.
    convention : {"published", "exact"}, optional
        What is measured.
    max_distance : float, optional
        Cut the map at this value on both sides.
    threads : int, optional
        Threads; one for each core by default.

    Returns
    -------
    numpy.ndarray
        (class, \*space) float32 in the unit of the spacing.

    Raises
    ------
    VolumeError
        The labels are no integers or do not fit the spacing.
    SettingsError
        A choice is out of range.

    Warns
    -----
    UserWarning
        A class is absent or everywhere, or one axis is over 5 times coarser than another.

    Examples
    --------
    >>> signed_distance_map([[0, 0, 1, 1]], spacing=(1, 2), classes=[1])
    array([[[ 4.,  2., -1., -3.]]], dtype=float32)
    >>> signed_distance_map([[0, 0, 1, 1]], spacing=(1, 2), classes=[1], convention="exact")
    array([[[ 3.,  1., -1., -3.]]], dtype=float32)
    """
    settings = DistanceSettings(
        spacing=spacing, classes=classes, convention=convention, max_distance=max_distance, threads=threads
    )
    volume = open_labels(labels, settings.spacing)
    array = read_labels(volume, Box((0,) * len(volume.shape), volume.shape))
    census = Census.of(count_labels(array, settings.labels), settings.labels, array.size)
    for text in (*spacing_warnings(volume), *census.warnings):
        warnings.warn(text, UserWarning, stacklevel=2)
    measure = settings.measure(volume)
    maps = np.zeros((len(census.classes), *array.shape), np.float32)
    for i in census.measured:
        maps[i] = signed_distances(array == census.classes[i], measure, settings.n_threads)
    return maps
