"""What a place for finished chunks must offer, and what it is told about the output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from napari_seamless.types import Box, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """The output as an array with metadata, before any voxel exists.

    Parameters
    ----------
    name : str
        Name of the image.
    axes : tuple of str
        Spatial axes; the class axis of probabilities comes before them and is not named here.
    shape, chunk : tuple of int
        Voxels of the output and of the blocks that it is finished in per spatial axis.
    dtype : numpy.dtype
        Type of a voxel.
    classes : tuple of str
        Class names; label values are their indices.
    colors : tuple of (int, int, int, int)
        RGBA in 0..255 per class; may be empty.
    n_channels : int or None
        Length of the class axis of probabilities; None for labels.
    spacing, translation : tuple of float
        Voxel size and position of the first voxel's centre per spatial axis.
    units : tuple of str or None
        Unit per spatial axis.
    metadata : mapping
        JSON-able record of the run, stored with the output.
    channels : tuple of str
        Names of the channels where they do not stand for one class each; empty where they do.
    limits : tuple of (float, float)
        Lowest and highest value of each channel, for viewers; empty: all of an integer type, [0, 1] of another.
    is_categorical : bool
        Whether channels hold values that must not be averaged, such as the numbers of classes.
    shard : tuple of int or None
        Voxels of a shard per spatial axis, a multiple of the chunk: chunks that share a file. None: a file for each.
    waiting_bytes : int
        Bytes of finished chunks that may wait in memory for the rest of their shard.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: np.dtype[Any]
    classes: tuple[str, ...]
    colors: tuple[tuple[int, int, int, int], ...]
    n_channels: int | None
    spacing: tuple[float, ...]
    translation: tuple[float, ...]
    units: tuple[str | None, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    limits: tuple[tuple[float, float], ...] = ()
    is_categorical: bool = False
    shard: tuple[int, ...] | None = None
    waiting_bytes: int = 2**28

    @property
    def is_labels(self) -> bool:
        """Whether the voxels are labels."""
        return self.n_channels is None

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Name of each channel; empty for labels."""
        return () if self.is_labels else self.channels or self.classes

    @property
    def label_names(self) -> dict[int, str]:
        """Class name by label value, where values are labels."""
        return dict(enumerate(self.classes)) if self.is_labels or self.channels else {}

    @property
    def is_averaged(self) -> bool:
        """Whether coarser levels hold means; otherwise they hold every n-th voxel."""
        return not (self.is_labels or self.is_categorical)

    @property
    def chunk_grid(self) -> tuple[int, ...]:
        """Chunks along each spatial axis."""
        return tuple(-(-n // c) for n, c in zip(self.shape, self.chunk, strict=True))

    @property
    def chunks_per_shard(self) -> tuple[int, ...]:
        """Chunks of a shard along each spatial axis, no more than there are; 1 without shards."""
        if self.shard is None:
            return (1,) * len(self.chunk)
        return tuple(min(s // c, n) for s, c, n in zip(self.shard, self.chunk, self.chunk_grid, strict=True))

    @property
    def leading(self) -> tuple[int, ...]:
        """Lengths of the axes before the spatial ones."""
        return () if self.n_channels is None else (self.n_channels,)

    @property
    def all_axes(self) -> tuple[str, ...]:
        """Names of all axes of the stored array."""
        return self.axes if self.is_labels else ("c", *self.axes)


class Sink(Protocol):
    """A place for finished chunks: each is written once, whole, by one thread."""

    @property
    def volume(self) -> Volume:
        """The output as a volume that can be looked at while it fills."""
        ...

    @property
    def path(self) -> str | None:
        """Where the output lies; None for memory."""
        ...

    @property
    def unit(self) -> tuple[int, ...]:
        """Voxels per spatial axis of what is stored, and recorded, as one: a chunk or a shard."""
        ...

    def write(self, index: tuple[int, ...], box: Box, block: np.ndarray[Any, Any]) -> tuple[tuple[int, ...], ...]:
        r"""Take one finished chunk, (\\*leading, \\*box.shape); return the chunks that are stored now, and were not."""
        ...

    def record(self, index: tuple[int, ...]) -> None:
        """Remember a chunk as finished, where that was not done on writing."""
        ...

    def flush(self) -> tuple[tuple[int, ...], ...]:
        """Store the chunks that wait for others which will not come; return them."""
        ...

    def finish(self) -> None:
        """Flush, and mark the output as complete."""
        ...

    def close(self) -> None:
        """Let go of files, and of chunks that are not stored; what is stored stays."""
        ...
