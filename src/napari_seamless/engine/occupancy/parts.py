"""What of a volume is encoded together: all of it, or parts of the size that a network was trained on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_seamless.models.oss_net import OSSNetSettings

_ENCODER_COPIES = 4
"""Values of the encoder's first and widest block that exist at once for each voxel and channel."""

_MARGIN = 8
"""This part of a crop, at each of its ends, is left to the neighbour, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a volume with latent vectors of its own.

    Parameters
    ----------
    owned : Box
        Voxels whose coordinates it answers.
    origin : tuple of int
        First voxel that is encoded; coordinates count from here, as they do in training.
    low_shape : tuple of int
        (z, y, x) of the encoder's input: half as many voxels as are encoded.
    """

    owned: Box
    origin: tuple[int, ...]
    low_shape: tuple[int, ...]


def parts_of(shape: tuple[int, ...], network: OSSNetSettings, spacing: int, budget: int) -> list[Part]:
    """Cut a volume for its encoder.

    A network that was trained on crops gets crops, wherever they lie: they overlap, and each owns its middle
    three quarters, more at the ends of the volume. The last crop of an axis ends with the volume.

    Without crops, a skip encoder gets the whole volume where that stays in the budget. A plain encoder takes one size
    only, and a volume of another size is cut into parts of it, each encoded by itself; so is one that is too large for
    the budget. The last part of an axis is moved inwards.

    A volume smaller than a part is encoded with zeros, the mean, beyond its end.

    Parameters
    ----------
    shape : tuple of int
        (z, y, x) of the volume.
    network : OSSNetSettings
        What encodes it.
    spacing : int
        Of the first stage: parts begin at its points.
    budget : int
        Bytes for the encoder.

    Examples
    --------
    >>> from napari_seamless.models.oss_net import settings_of
    >>> [part.origin for part in parts_of((300, 200, 100), settings_of("oss_net_A_bra_ts"), 4, 2**30)]
    [(0, 0, 0), (44, 0, 0)]
    >>> trained = settings_of("oss_net_C1_lits", crop=(64, 64, 64))
    >>> [(part.origin[0], part.owned.start[0]) for part in parts_of((130, 64, 30), trained, 4, 2**30)]
    [(0, 0), (48, 56), (66, 89)]
    """
    if network.crop is not None:
        half = tuple(n // 2 for n in network.crop)
        axes = [list(_overlapping(edge, size)) for edge, size in zip(shape, network.crop, strict=True)]
        return [_joined(one, half) for one in itertools.product(*axes)]
    low = tuple(edge // 2 for edge in shape)
    if network.encoder == "skip":
        least = 1 << len(network.encoder_channels)
        low = tuple(max(edge, least) for edge in low)
        if encoder_bytes(low, network) <= budget:
            return [Part(owned=Box((0, 0, 0), shape), origin=(0, 0, 0), low_shape=low)]
    if low == network.encoder_size:
        return [Part(owned=Box((0, 0, 0), shape), origin=(0, 0, 0), low_shape=low)]
    along = [list(_along(edge, 2 * size, spacing)) for edge, size in zip(shape, network.encoder_size, strict=True)]
    return [_joined(axes, network.encoder_size) for axes in itertools.product(*along)]


def encoder_bytes(low: tuple[int, ...], network: OSSNetSettings) -> int:
    """Return the bytes that encoding takes, about."""
    voxels = low[0] * low[1] * low[2]
    return 4 * voxels * (network.channels + _ENCODER_COPIES * network.encoder_channels[0])


def _joined(axes: tuple[tuple[int, int, int], ...], low_shape: tuple[int, ...]) -> Part:
    start, stop, origin = zip(*axes, strict=True)
    return Part(owned=Box(start, stop), origin=origin, low_shape=low_shape)


def _along(edge: int, size: int, spacing: int) -> Iterator[tuple[int, int, int]]:
    """Yield first and last voxel owned, and first voxel encoded."""
    for start in range(0, edge, size):
        inwards = max(0, min(start, edge - size))
        yield start, min(start + size, edge), -(-inwards // spacing) * spacing


def _overlapping(edge: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield first and last voxel owned, and first voxel encoded, of crops that overlap."""
    margin = size // _MARGIN
    last = max(0, edge - size)
    origins = [*range(0, last, size - 2 * margin), last]
    # Two crops meet in the middle of what both see.
    borders = [(before + size + after) // 2 for before, after in itertools.pairwise(origins)]
    yield from zip([0, *borders], [*borders, edge], origins, strict=True)
