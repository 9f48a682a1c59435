"""Labels as losses want them: whole numbers, with -1 where a voxel does not count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import AxesError, VolumeError
from napari_seamless.patches.layout import Layout
from napari_seamless.training.blocks import spatial_chunk
from napari_seamless.training.losses.targets import UNPAINTED
from napari_seamless.types import Box

if TYPE_CHECKING:
    from napari_seamless.types import Volume

IntArray = np.ndarray[Any, np.dtype[np.int64]]


class LabelArray:
    r"""A lazy array (\*spatial) of int64 over a volume of labels.

    Parameters
    ----------
    volume : Volume
        Booleans, integers, or real numbers that are whole; one channel.
    ignore_label : int or None
        Label of the voxels that do not count, read as -1; -1 itself never counts.

    Raises
    ------
    AxesError
        The volume has more than one channel, time point or batch.

    Examples
    --------
    >>> from napari_seamless.volume import open_volume
    >>> labels = LabelArray(open_volume(np.array([[0, 1, 255]], dtype=np.uint8)), ignore_label=255)
    >>> labels[0:1, 1:3].tolist()
    [[1, -1]]
    """

    def __init__(self, volume: Volume, ignore_label: int | None = None) -> None:
        if volume.n_channels > 1:
            raise AxesError(f"labels must have one channel, but {volume.name} has {volume.n_channels}; choose one.")
        self.volume = volume
        self.ignore_label = ignore_label
        self._layout = Layout(volume=volume, channel=0 if "c" in volume.axes else None)

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels per spatial axis."""
        return self.volume.spatial_shape

    @property
    def dtype(self) -> np.dtype[np.int64]:
        """Type of what is read."""
        return np.dtype(np.int64)

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Voxels per spatial axis that are stored together; None where the array is not chunked."""
        return spatial_chunk(self.volume)

    def __getitem__(self, key: tuple[slice, ...]) -> IntArray:
        return self.read(Box(tuple(s.start for s in key), tuple(s.stop for s in key)))

    def read(self, box: Box) -> IntArray:
        r"""Return the labels of a box, int64 (\*spatial), -1 where a voxel does not count.

        Raises
        ------
        VolumeError
            The box is outside or cannot be read, or holds values that are not whole.
        """
        block = self._layout.read(box)[0]
        if block.dtype.kind == "f" and not np.array_equal(np.trunc(block), block):
            raise VolumeError(
                f"{self._layout.text(box)} holds values that are not whole numbers; labels must be integers, "
                "one for each class."
            )
        labels: IntArray = block.astype(np.int64)
        labels[labels < 0] = UNPAINTED
        if self.ignore_label is not None:
            labels[labels == self.ignore_label] = UNPAINTED
        return labels
