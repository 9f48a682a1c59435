"""Overlap of two label volumes, counted block by block so that neither has to fit in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_seamless.errors import SettingsError, VolumeError
from napari_seamless.types import NON_SPATIAL_AXES, ArrayLike, Box, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Labels: TypeAlias = Volume | ArrayLike
Counts: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_BLOCK = 128
"""Voxels per axis that are compared at once where the stores name no chunks of their own."""

_MAX_BLOCK_VOXELS = 2**25
"""Largest block that stores with large chunks may ask for; beyond it the default block is used."""


def dice_scores(labels: Labels, truth: Labels, classes: Sequence[str]) -> dict[str, float | None]:
    """Measure how well labels agree with a reference, for each class but the background.

    The score of a class is twice the number of voxels that both give to it, divided by the sum of the voxels that
    each gives to it (L. R. Dice, Ecology 26, 1945). Voxels are counted in integers, so the result does not depend on
    the blocks that they are read in.

    Parameters
    ----------
    labels, truth : Volume or array
        Integer class of each voxel in ``[0, len(classes))``, equal spatial shapes; other axes have length 1.
        Floating-point arrays are taken where their values are whole numbers.
    classes : sequence of str
        Name of each class by its label value, the background first.

    Returns
    -------
    dict of str to float or None
        Score in [0, 1] by class name; None for a class that occurs in neither volume.

    Raises
    ------
    VolumeError
        The shapes differ, or a voxel holds something other than one of the classes.
    SettingsError
        `classes` has no name beside the background, or names a class twice.

    Examples
    --------
    >>> import numpy as np
    >>> labels, truth = np.array([[0, 1, 1, 2]]), np.array([[0, 1, 2, 2]])
    >>> {name: round(score, 3) for name, score in dice_scores(labels, truth, ["background", "cell", "gap"]).items()}
    {'cell': 0.667, 'gap': 0.667}
    """
    _check_classes(classes)
    check_truth(labels, truth)
    counts = _confusion(labels, truth, len(classes))
    both = counts.diagonal()
    each = counts.sum(axis=0) + counts.sum(axis=1)
    return {name: 2 * int(both[i]) / int(each[i]) if each[i] else None for i, name in enumerate(classes) if i > 0}


def check_truth(labels: Labels, truth: Labels) -> None:
    """Refuse a reference that cannot be compared voxel by voxel; reads metadata only.

    Parameters
    ----------
    labels, truth : Volume or array
        The two volumes to compare; channels of `labels` are not looked at, so that it may be the input of a run.

    Raises
    ------
    VolumeError
        The spatial shapes differ, or `truth` has channels or time points.

    Examples
    --------
    >>> import numpy as np
    >>> check_truth(np.zeros((4, 5)), np.zeros((4, 5)))
    """
    shape, expected = _spatial_shape(truth), _spatial_shape(labels)
    if shape != expected:
        raise VolumeError(
            f"truth has the shape {_times(shape)}, but the labels that it is compared with have {_times(expected)} "
            "voxels; choose the reference that belongs to this volume."
        )
    if isinstance(truth, Volume) and math.prod(truth.shape) != math.prod(shape):
        raise VolumeError(
            f"truth must have one label per voxel, but its axes {', '.join(truth.axes)} have the shape "
            f"{_times(truth.shape)}; choose a volume without channels."
        )


def _check_classes(classes: Sequence[str]) -> None:
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise SettingsError(
            "classes must name the background and at least one more class, each once, "
            f"got {', '.join(map(repr, classes)) or 'none'}."
        )


def _confusion(labels: Labels, truth: Labels, n_classes: int) -> Counts:
    """Return how many voxels have label i in `labels` and j in `truth`, as (n_classes, n_classes) int64."""
    counts = np.zeros(n_classes * n_classes, dtype=np.int64)
    for box in _blocks(labels, truth):
        first = _read(labels, box, n_classes, "labels")
        second = _read(truth, box, n_classes, "truth")
        counts += np.bincount(first * n_classes + second, minlength=counts.size)
    return counts.reshape(n_classes, n_classes)


def _read(source: Labels, box: Box, n_classes: int, name: str) -> Counts:
    """Read one block as flat int64 labels and refuse values that are no class."""
    block = np.asarray(_array(source)[_index(source, box)])
    if block.dtype.kind == "f" and not np.array_equal(np.trunc(block), block):
        raise VolumeError(f"{name} holds values that are not whole numbers; choose a volume of labels.")
    whole = block.astype(np.int64)
    lowest, highest = int(whole.min()), int(whole.max())
    if lowest < 0 or highest >= n_classes:
        raise VolumeError(
            f"{name} holds the value {lowest if lowest < 0 else highest}, but the classes have the labels 0 to "
            f"{n_classes - 1}; choose a volume with the labels of the network's classes."
        )
    return whole.ravel()


def _blocks(labels: Labels, truth: Labels) -> Iterator[Box]:
    """Yield boxes that partition the volume and follow the larger of the two chunk grids."""
    shape = _spatial_shape(labels)
    block = tuple(map(max, _chunk(labels), _chunk(truth)))
    if math.prod(map(min, block, shape)) > _MAX_BLOCK_VOXELS:
        block = (_BLOCK,) * len(shape)
    for index in np.ndindex(*(-(-n // b) for n, b in zip(shape, block, strict=True))):
        start = tuple(i * b for i, b in zip(index, block, strict=True))
        yield Box(start, tuple(min(a + b, n) for a, b, n in zip(start, block, shape, strict=True)))


def _chunk(source: Labels) -> tuple[int, ...]:
    """Return the chunk of the store per spatial axis: numbers of zarr, or the largest of dask's."""
    chunks = getattr(_array(source), "chunks", None) or (_BLOCK,) * len(_axes(source))
    sizes = [int(max(c)) if isinstance(c, tuple) else int(c) for c in chunks]
    return tuple(size for size, spatial in zip(sizes, _axes(source), strict=True) if spatial)


def _index(source: Labels, box: Box) -> tuple[slice | int, ...]:
    """Return a box as an index into the array; an axis that is not spatial has length 1 and gives its only entry."""
    slices = iter(box.slices)
    return tuple(next(slices) if spatial else 0 for spatial in _axes(source))


def _array(source: Labels) -> ArrayLike:
    return source.data if isinstance(source, Volume) else source


def _axes(source: Labels) -> tuple[bool, ...]:
    """Return for each array axis whether it is spatial."""
    if isinstance(source, Volume):
        return tuple(axis not in NON_SPATIAL_AXES for axis in source.axes)
    return (True,) * len(source.shape)


def _spatial_shape(source: Labels) -> tuple[int, ...]:
    return tuple(int(n) for n, spatial in zip(_array(source).shape, _axes(source), strict=True) if spatial)


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
