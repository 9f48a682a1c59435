"""Intensity statistics of a whole volume, block by block: what normalisation subtracts and multiplies by."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_seamless.errors import SettingsError, VolumeError
from napari_seamless.patches.layout import Layout
from napari_seamless.types import Box, Normalization, NormalizationKind, Volume

BLOCK_BYTES = 64 * 2**20
"""Bytes of one block as float64, about; a block is never less than one voxel per axis."""

OnBlock = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What normalises a volume: ``(x - offset) * gain`` per channel.

    Parameters
    ----------
    kind : {"none", "minmax", "zscore"}
        What it was measured for.
    offset, gain : tuple of float
        One per channel that was measured; empty for ``"none"``.

    Examples
    --------
    >>> Statistics.from_dict({"kind": "minmax", "offset": [0.0], "gain": [0.5]}).gain
    (0.5,)
    """

    kind: NormalizationKind
    offset: tuple[float, ...] = ()
    gain: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in {"none", "minmax", "zscore"}:
            raise SettingsError(f'statistics kind must be "none", "minmax" or "zscore", got {self.kind!r}.')
        if len(self.offset) != len(self.gain) or not all(map(math.isfinite, (*self.offset, *self.gain))):
            raise SettingsError(
                f"statistics must hold one finite offset and gain per channel, got {self.offset} and {self.gain}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a recipe."""
        return {"kind": self.kind, "offset": list(self.offset), "gain": list(self.gain)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Statistics:
        """Build statistics from what `to_dict` returned.

        Raises
        ------
        SettingsError
            A field is missing or has another type.
        """
        try:
            return cls(
                kind=values["kind"],
                offset=tuple(float(v) for v in values["offset"]),
                gain=tuple(float(v) for v in values["gain"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(f"statistics need kind, offset and gain, got {dict(values)!r}.") from error


def volume_statistics(
    volume: Volume, normalization: Normalization, channel: int | None = None, on_block: OnBlock | None = None
) -> Statistics:
    """Read a whole volume once, block by block in raster order, and return what normalises it.

    Parameters
    ----------
    volume : Volume
        The finest level is read, unless the kind is ``"none"``.
    normalization : Normalization
        What is measured: minimum and maximum, or mean and standard deviation (of the population).
    channel : int or None
        The only channel that is measured.
    on_block : callable, optional
        Called with blocks done and blocks in all, after each block.

    Raises
    ------
    VolumeError
        A block cannot be read, or holds NaN or infinity; the text names it.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_seamless.types import Level
    >>> level = Level(data=np.array([2.0, 4.0, 6.0]), spacing=(1.0,), translation=(0.0,))
    >>> line = Volume(name="line", axes=("x",), levels=(level,), units=(None,))
    >>> volume_statistics(line, Normalization(kind="minmax"))
    Statistics(kind='minmax', offset=(2.0,), gain=(0.25,))
    """
    if normalization.kind == "none":
        return Statistics(kind="none")
    layout = Layout(volume=volume, channel=channel)
    boxes = list(_blocks(volume.spatial_shape, _block_shape(layout)))
    moments = _Moments(layout.n_channels)
    for i, box in enumerate(boxes):
        moments.add(_finite(layout, box))
        if on_block is not None:
            on_block(i + 1, len(boxes))
    return moments.statistics(normalization.kind)


class _Moments:
    """Count, mean, sum of squared deviations and range per channel, merged block after block.

    The merge is the pairwise update of Chan, Golub and LeVeque (1979); it subtracts no large sums from each other.
    """

    def __init__(self, n_channels: int) -> None:
        self.count = 0
        self.mean = np.zeros(n_channels)
        self.deviation = np.zeros(n_channels)
        self.low = np.full(n_channels, np.inf)
        self.high = np.full(n_channels, -np.inf)

    def add(self, block: np.ndarray[Any, Any]) -> None:
        """Merge a block of float64 (channel, voxel)."""
        n = block.shape[1]
        mean = block.mean(axis=1)
        deviation = np.square(block - mean[:, np.newaxis]).sum(axis=1)
        total = self.count + n
        step = mean - self.mean
        self.deviation += deviation + np.square(step) * (self.count * n / total)
        self.mean += step * (n / total)
        self.count = total
        self.low = np.minimum(self.low, block.min(axis=1))
        self.high = np.maximum(self.high, block.max(axis=1))

    def statistics(self, kind: NormalizationKind) -> Statistics:
        """Return offset and gain; a channel of one value is only shifted to zero."""
        flat = self.low == self.high
        spread = self.high - self.low if kind == "minmax" else np.sqrt(self.deviation / self.count)
        offset = np.where(flat, self.low, self.low if kind == "minmax" else self.mean)
        gain = 1.0 / np.where(flat, 1.0, spread)
        return Statistics(kind=kind, offset=tuple(offset.tolist()), gain=tuple(gain.tolist()))


def _finite(layout: Layout, box: Box) -> np.ndarray[Any, Any]:
    block = layout.read(box).astype(np.float64).reshape(layout.n_channels, -1)
    if not np.isfinite(block.sum()) and not np.isfinite(block).all():
        raise VolumeError(f"{layout.text(box)} holds NaN or infinity; replace them before normalising the volume.")
    return block


def _block_shape(layout: Layout) -> tuple[int, ...]:
    """Return a block of whole stored chunks, grown from the fastest axis, of at most about `BLOCK_BYTES`."""
    volume = layout.volume
    shape = volume.spatial_shape
    room = max(1, BLOCK_BYTES // (8 * layout.n_channels))
    block = [min(c, n) for c, n in zip(_spatial_chunk(volume), shape, strict=True)]
    for axis in range(len(shape)):  # a chunk beyond the bound is cut along its slowest axes
        block[axis] = max(1, min(block[axis], room // math.prod(block[axis + 1 :])))
    for axis in reversed(range(len(shape))):
        times = max(1, room // math.prod(block))
        block[axis] = min(shape[axis], block[axis] * times)
        if block[axis] < shape[axis]:
            break
    return tuple(block)


def _spatial_chunk(volume: Volume) -> tuple[int, ...]:
    """Return the stored chunk along the spatial axes, one voxel where the array is not chunked."""
    chunks = getattr(volume.data, "stored_chunks", None) or getattr(volume.data, "chunks", None)
    if not chunks or len(chunks) != len(volume.axes):
        return (1,) * len(volume.spatial_shape)
    sizes = [max(c) if isinstance(c, tuple) else int(c) for c in chunks]
    return tuple(c for axis, c in zip(volume.axes, sizes, strict=True) if axis in volume.spatial_axes)


def _blocks(shape: tuple[int, ...], block: tuple[int, ...]) -> Iterator[Box]:
    for start in itertools.product(*(range(0, n, b) for n, b in zip(shape, block, strict=True))):
        yield Box(start, tuple(min(a + b, n) for a, b, n in zip(start, block, shape, strict=True)))
