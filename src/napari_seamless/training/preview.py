"""Look at part of a volume through a network that is being refined."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from napari_seamless.engine import segment
from napari_seamless.models import TorchModel
from napari_seamless.types import Box, Normalization

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.engine import Control, Segmentation
    from napari_seamless.patches import Statistics
    from napari_seamless.types import Volume

OVERLAP = 0.25


def preview(  # noqa: PLR0913  the last ones by name only
    volume: Volume,
    model: TorchModel,
    statistics: Statistics,
    box: Box,
    *,
    patch_size: tuple[int, ...] | int,
    channel: int | None = None,
    device: str = "auto",
    control: Control | None = None,
) -> Segmentation:
    """Segment a box of a volume whose intensities were measured before; only patches that touch it are read.

    Parameters
    ----------
    volume : Volume
        The input.
    model : TorchModel
        The network, such as `Refiner.network` returns.
    statistics : Statistics
        What normalises the volume for this network.
    box : Box
        In voxels of the finest level, inside the volume.
    patch_size : int or tuple of int
        Voxels that the network sees at once.
    channel : int or None
        The only channel that is used.
    device, control
        As in `segment`.

    Returns
    -------
    Segmentation
        Its array holds the labels of the box.

    Raises
    ------
    SeamlessError
        As in `segment`.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_seamless.models import load_model
    >>> from napari_seamless.volume import open_volume
    >>> image = open_volume(np.zeros((16, 16, 16), np.float32))
    >>> model = load_model(nn.Conv3d(1, 2, 3, padding=1), activation="softmax")
    >>> from napari_seamless.patches import Statistics
    >>> box = Box((4, 0, 0), (5, 8, 16))
    >>> preview(image, model, Statistics(kind="none"), box, patch_size=8, device="cpu").array.shape
    (1, 8, 16)
    """
    known = TorchModel(
        _Normalised(model.network, statistics), dataclasses.replace(model.spec, normalization=Normalization())
    )
    return segment(
        volume,
        known,
        patch_size=patch_size,
        overlap=OVERLAP,
        border="edge",
        region=box,
        channel=channel,
        device=device,
        control=control,
    )


def part_in_sight(box: Box, patch: Sequence[int], n_patches: int) -> Box:
    """Return the middle of a box, so small that about so many patches reach it, and at least one.

    Parameters
    ----------
    box : Box
        What is in sight; an axis of one voxel stays.
    patch : sequence of int
        Voxels of a patch along each axis.
    n_patches : int
        At least 1.

    Examples
    --------
    >>> part_in_sight(Box((7, 0, 0), (8, 300, 20)), (32, 32, 32), 4)
    Box(start=(7, 102, 0), stop=(8, 198, 20))
    """
    strides = [max(1, round(size * (1 - OVERLAP))) for size in patch]
    left = [max(1, math.ceil(n / stride)) for n, stride in zip(box.shape, strides, strict=True)]
    wanted = list(left)
    while math.prod(wanted) > n_patches and max(wanted) > 1:
        wanted[wanted.index(max(wanted))] -= 1
    start, stop = [], []
    for a, b, n, stride in zip(box.start, box.stop, wanted, strides, strict=True):
        length = min(b - a, n * stride)
        first = a + (b - a - length) // 2
        start.append(first)
        stop.append(first + length)
    return Box(tuple(start), tuple(stop))


class _Normalised(nn.Module):
    """A network that normalises its input itself, so that nobody measures the volume again."""

    def __init__(self, network: Any, statistics: Statistics) -> None:
        super().__init__()
        self.network = network
        self.offset, self.gain = statistics.offset, statistics.gain

    def forward(self, batch: torch.Tensor) -> Any:
        if self.offset:
            shape = (1, -1, *(1,) * (batch.ndim - 2))
            offset, gain = (batch.new_tensor(values).reshape(shape) for values in (self.offset, self.gain))
            batch = (batch - offset) * gain
        return self.network(batch)
