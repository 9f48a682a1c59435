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
        Voxels of the output and of its unit of writing per spatial axis.
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

    def write(self, index: tuple[int, ...], box: Box, block: np.ndarray[Any, Any]) -> None:
        r"""Store one finished chunk: (\\*leading, \\*box.shape)."""
        ...

    def record(self, index: tuple[int, ...]) -> None:
        """Remember a chunk as finished, where that was not done on writing."""
        ...

    def finish(self) -> None:
        """Mark the output as complete."""
        ...
