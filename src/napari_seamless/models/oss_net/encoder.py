"""The encoders: a downscaled volume becomes latent vectors, and with a head a coarse segmentation."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_seamless.errors import ModelError
from napari_seamless.models.oss_net.blocks import EncoderBlock
from napari_seamless.models.oss_net.pade import PadeActivation

if TYPE_CHECKING:
    from napari_seamless.models.oss_net.settings import OSSNetSettings


class PlainEncoder(nn.Module):
    """Blocks and one convolution to one channel; for one input size only.

    Parameters
    ----------
    settings : OSSNetSettings
        Channels, latent grid, dropout.
    """

    def __init__(self, settings: OSSNetSettings) -> None:
        super().__init__()
        self.size = settings.encoder_size
        self.blocks = _blocks(settings)
        self.final_mapping = _to_latent(settings.encoder_channels[-1], 1)

    def forward(self, low: Tensor) -> tuple[Tensor, None]:
        """Map (batch, channel, z, y, x) to (batch, 1, length).

        Raises
        ------
        ModelError
            Another size than the one that the encoder is made for.
        """
        if tuple(low.shape[2:]) != self.size:
            came, wanted = tuple(low.shape[2:]), self.size
            raise ModelError(
                f"The plain encoder needs a volume of {wanted} voxels, not {came}; resample it to that size."
            )
        for block in self.blocks:
            low = block(low)
        return self.final_mapping(low).flatten(2), None


class SkipEncoder(nn.Module):
    """Every block is pooled to the latent grid and joins the latent vectors; for any input size.

    Parameters
    ----------
    settings : OSSNetSettings
        Channels, latent grid, head, dropout.
    """

    def __init__(self, settings: OSSNetSettings) -> None:
        super().__init__()
        channels = settings.encoder_channels
        self.least = 1 << len(channels)
        self.blocks = _blocks(settings)
        self.output_mappings = nn.ModuleList(_to_grid(width, settings.latent_grid) for width in channels)
        joined = sum(width // 2 for width in channels)
        self.final_mapping = _to_latent(joined, settings.latent_vectors)
        self.segmentation_mapping: nn.Module | None = None
        if settings.has_head:
            convolution = nn.Conv3d(channels[-1], 1, 5, padding=2, bias=False)
            self.segmentation_mapping = nn.Sequential(convolution, nn.Sigmoid())

    def forward(self, low: Tensor) -> tuple[Tensor, Tensor | None]:
        """Map (batch, channel, z, y, x) to (batch, vector, length) and the head's (batch, 1, z, y, x) in 0..1.

        Raises
        ------
        ModelError
            A volume that vanishes in the blocks.
        """
        if min(low.shape[2:]) < self.least:
            came = tuple(low.shape[2:])
            raise ModelError(f"The encoder needs {self.least} voxels or more along each axis, not {came}; resample it.")
        joined = []
        for block, mapping in zip(self.blocks, self.output_mappings, strict=True):
            low = block(low)
            joined.append(mapping(low))
        latent: Tensor = self.final_mapping(torch.cat(joined, dim=1)).flatten(2)
        return latent, None if self.segmentation_mapping is None else self.segmentation_mapping(low)


def _blocks(settings: OSSNetSettings) -> nn.ModuleList:
    widths = (settings.channels, *settings.encoder_channels)
    return nn.ModuleList(EncoderBlock(before, after, settings.dropout) for before, after in pairwise(widths))


def _to_grid(width: int, grid: tuple[int, int, int]) -> nn.Sequential:
    convolution = nn.Conv3d(width, width // 2, 5, padding=2, bias=False)
    return nn.Sequential(nn.AdaptiveMaxPool3d(grid), convolution, nn.BatchNorm3d(width // 2), PadeActivation())


def _to_latent(width: int, vectors: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv3d(width, vectors, 5, padding=2), nn.BatchNorm3d(vectors), PadeActivation())
