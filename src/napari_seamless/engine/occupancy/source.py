"""The input: checked, and read lazily as (channel, z, y, x) float32 with mean 0 and variance 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import AxesError, ModelError
from napari_seamless.patches import volume_statistics
from napari_seamless.patches.layout import Layout
from napari_seamless.types import Box, Normalization
from napari_seamless.volume import cached, open_volume, useful_cache_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_seamless.engine.occupancy.settings import Scaling
    from napari_seamless.models.oss_net import OSSNetSettings
    from napari_seamless.types import Volume

Array = np.ndarray[Any, np.dtype[np.float32]]

_READ = 80
"""Edge of the boxes that are mostly read: a tile of coordinates with the patches around it."""


def open_source(source: Any, network: OSSNetSettings, axes: str | None, budget: int) -> Volume:
    """Open a volume and check that the network can look at it; nothing but metadata is read.

    Parameters
    ----------
    source : anything that `open_volume` takes
        The volume.
    network : OSSNetSettings
        What looks at it.
    axes : str or None
        Name of each array axis where the volume has none.
    budget : int
        Bytes for decoded chunks.

    Raises
    ------
    SeamlessError
        It cannot be opened, has not three axes of space or another number of channels.
    """
    volume = open_volume(source, axes=axes)
    for axis in ("t", "b"):
        if axis in volume.axes and volume.shape[volume.axes.index(axis)] > 1:
            raise AxesError(f"{volume.name} has several positions along {axis}; select one of them first.")
    if len(volume.spatial_axes) != 3:
        raise ModelError(
            f"An OSS-Net works on three spatial axes, but {volume.name} has {len(volume.spatial_axes)} "
            f"({', '.join(volume.spatial_axes)}); choose another volume, or name its axes."
        )
    if volume.n_channels != network.channels:
        raise ModelError(
            f"The network {network.name} takes {network.channels} channels, but {volume.name} offers "
            f"{volume.n_channels}; stack its modalities along an axis c, or choose another network."
        )
    box = tuple(min(_READ, edge) for edge in volume.spatial_shape)
    return cached(volume, useful_cache_bytes(volume, box, budget))


class NormalizedVolume:
    """A volume as its network wants it; slices read the boxes that they name.

    Parameters
    ----------
    volume : Volume
        With three spatial axes, and maybe channels.
    scaling : {"zscore", "none"}
        Whether each channel is brought to mean 0 and variance 1; its statistics are measured at once.
    on_block : callable or None
        Called with blocks done and blocks in all.

    Raises
    ------
    VolumeError
        The volume cannot be read, or holds NaN or infinity.
    """

    def __init__(self, volume: Volume, scaling: Scaling, on_block: Callable[[int, int], None] | None = None) -> None:
        self._layout = Layout(volume=volume)
        self.statistics = volume_statistics(volume, Normalization(kind=scaling), on_block=on_block)
        self.shape = (volume.n_channels, *volume.spatial_shape)

    def __getitem__(self, key: tuple[slice, ...]) -> Array:
        """Read (channel, z, y, x) float32; all channels."""
        spans = [s.indices(edge) for s, edge in zip(key[1:], self.shape[1:], strict=True)]
        box = Box(tuple(low for low, _, _ in spans), tuple(high for _, high, _ in spans))
        part = np.zeros((self.shape[0], *box.shape), np.float32)
        if box.size == 0:
            return part
        self._layout.read_into(box, part)
        if self.statistics.kind != "none":
            part -= _per_channel(self.statistics.offset)
            part *= _per_channel(self.statistics.gain)
        return part


def _per_channel(values: tuple[float, ...]) -> Array:
    return np.asarray(values, np.float32)[:, None, None, None]
