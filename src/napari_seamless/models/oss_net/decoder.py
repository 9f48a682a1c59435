"""The decoder: coordinates, the patches around them and latent vectors become occupancies."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from napari_seamless.models.oss_net.blocks import DecoderBlock
from napari_seamless.models.oss_net.patch_mapping import PatchMapping
from napari_seamless.models.oss_net.settings import FOURIER_FREQUENCIES, OSSNetSettings


class Decoder(nn.Module):
    """Residual blocks under conditional batch norms.

    Parameters
    ----------
    settings : OSSNetSettings
        Widths, patches, classes, dropout.
    """

    b: Tensor

    def __init__(self, settings: OSSNetSettings) -> None:
        super().__init__()
        width, latent = settings.width, settings.latent_length
        widths = [settings.in_features] + [width] * (settings.decoder_blocks - 1)
        self.blocks = nn.ModuleList(DecoderBlock((before, width, latent), settings.dropout) for before in widths)
        self.fourier_features = settings.fourier_features
        if settings.fourier_features:
            self.register_buffer("b", torch.randn(3, FOURIER_FREQUENCIES))
        self.patch_mapping = PatchMapping(settings.patch_channels, settings.dropout) if settings.local_patches else None
        activation = nn.Sigmoid() if settings.classes == 1 else nn.Softmax(dim=-1)
        self.final_mapping = nn.Sequential(nn.Linear(width, settings.classes, bias=False), activation)

    def forward(self, coordinates: Tensor, patches: Tensor | None, latent: Tensor) -> Tensor:
        """Answer which coordinates are inside.

        Parameters
        ----------
        coordinates : torch.Tensor
            (batch, coordinate, 3): voxel indices.
        patches : torch.Tensor or None
            (batch, coordinate, channel, 7, 7, 7), where the settings have patches.
        latent : torch.Tensor
            (batch, vector, length).

        Returns
        -------
        torch.Tensor
            (batch, coordinate, class) in 0..1.
        """
        x = torch.cat(self.inputs(coordinates, patches, latent), dim=-1)
        for block, vector in zip(self.blocks, self.conditions(latent), strict=True):
            x = block(x, vector)
        occupancies: Tensor = self.final_mapping(x)
        return occupancies

    def inputs(self, coordinates: Tensor, patches: Tensor | None, latent: Tensor) -> list[Tensor]:
        """Return the parts of the first block's input."""
        parts = [self.coordinate_features(coordinates)]
        if self.patch_mapping is not None and patches is not None:
            parts.append(self.patch_mapping(patches))
        return [*parts, latent[:, :1].expand(-1, coordinates.shape[1], -1)]

    def coordinate_features(self, coordinates: Tensor) -> Tensor:
        """Join (\\*, 3) coordinates with their sines and cosines, where the settings ask for it."""
        if not self.fourier_features:
            return coordinates
        angles = 2.0 * math.pi * coordinates @ self.b
        return torch.cat([angles.cos(), angles.sin(), coordinates], dim=-1)

    def conditions(self, latent: Tensor) -> list[Tensor]:
        """Return the (batch, length) latent vector of each block."""
        several = latent.shape[1] > 1
        return [latent[:, i + 1 if several else 0] for i in range(len(self.blocks))]
