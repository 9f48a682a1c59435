"""MeshNet: a small fully convolutional network of dilated 3-D convolutions.

After Fedorov et al., *End-to-end learning of brain tissue segmentation from imperfect labeling* (IJCNN 2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

DILATIONS = (1, 1, 2, 4, 8, 16, 8, 4, 2, 1)
"""Dilation of each 3^3 convolution: a receptive field of 1 + 2 * sum = 95 voxels."""


class MeshNet(nn.Module):
    """A stack of dilated 3^3 convolutions, each with batch normalisation and ReLU, and a 1^3 convolution to classes.

    Parameters
    ----------
    in_channels, classes, width : int
        Channels in, classes out, and channels of every hidden layer.
    dilations : sequence of int
        Dilation of each layer; zero padding keeps the shape, so a patch's border sees a world of zeros.

    Examples
    --------
    >>> MeshNet(1, 3, 8)(torch.zeros(1, 1, 16, 16, 16)).shape
    torch.Size([1, 3, 16, 16, 16])
    """

    def __init__(self, in_channels: int, classes: int, width: int, dilations: Sequence[int] = DILATIONS) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, dilation in enumerate(dilations):
            layers += [
                nn.Conv3d(width if i else in_channels, width, 3, padding=dilation, dilation=dilation, bias=False),
                nn.BatchNorm3d(width),
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv3d(width, classes, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, channel, z, y, x) to logits (batch, class, z, y, x)."""
        # dilated convolutions with few channels run several times faster in this layout
        output: torch.Tensor = self.layers(x.contiguous(memory_format=torch.channels_last_3d))
        return output
