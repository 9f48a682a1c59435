"""Which part of a volume a preview is made of, and how coarse."""

from __future__ import annotations

from dataclasses import dataclass

from napari_seamless.types import Box, Volume

SIDES = (48, 64, 96)
"""Voxels along each axis of a preview, at most, on slow machines and on quick ones."""


@dataclass(frozen=True, slots=True)
class PartInView:
    """A part of one level of a pyramid.

    Parameters
    ----------
    box : Box
        In voxels of the level.
    scale : int
        The level, 0 the finest.
    every : int
        Voxels of the finest level along the side of one of it.
    is_whole : bool
        Whether the part is the whole volume.
    """

    box: Box
    scale: int
    every: int
    is_whole: bool


def part_in_view(volume: Volume, seen: Box, middle: tuple[int, ...], side: int = SIDES[-1]) -> PartInView:
    """Return a part around the middle of what is seen, from a level at which most of it fits.

    Parameters
    ----------
    volume : Volume
        With three spatial axes.
    seen : Box
        What is seen, in voxels of the finest level.
    middle : tuple of int
        Its middle, in the same voxels.
    side : int
        Voxels along each axis, at most.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_seamless.volume import open_volume
    >>> volume = open_volume(np.zeros((40, 200, 200), "u1"))
    >>> part_in_view(volume, Box((0, 0, 0), (40, 200, 200)), (20, 100, 190)).box
    Box(start=(0, 52, 104), stop=(40, 148, 200))
    """
    spatial = [i for i, axis in enumerate(volume.axes) if axis in volume.spatial_axes]
    shapes = [[int(level.data.shape[i]) for i in spatial] for level in volume.levels]
    longest = max(b - a for a, b in zip(seen.start, seen.stop, strict=True))
    steps = [max(1, round(max(shapes[0]) / max(shape))) for shape in shapes]
    scale = next((n for n, step in enumerate(steps) if longest / step <= side), len(steps) - 1)
    shape, start, stop = shapes[scale], [], []
    for n, whole, a, b, centre in zip(shape, shapes[0], seen.start, seen.stop, middle, strict=True):
        low, high = int(a * n / whole), max(int(a * n / whole) + 1, -int(-b * n // whole))
        begin = max(low, min(int(centre * n / whole) - side // 2, high - side))
        start.append(begin)
        stop.append(min(high, begin + side, n))
    box = Box(tuple(start), tuple(stop))
    return PartInView(box, scale, steps[scale], is_whole=box.shape == tuple(shape))
