"""A U-Net of residual blocks in three dimensions, which labels every voxel of a patch at once.

After O. Çiçek et al., *3D U-Net* (MICCAI 2016), with blocks after K. He et al., *Deep residual learning* (CVPR 2016).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_seamless.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ResidualBlock(nn.Module):
    """Two convolutions with instance norms beside a shortcut.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels.
    stride : int
        2 halves the resolution.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv3d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False),
            nn.GroupNorm(channels_out, channels_out),
            nn.LeakyReLU(0.01, inplace=True),
            nn.Conv3d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.GroupNorm(channels_out, channels_out),
        )
        same = channels_in == channels_out and stride == 1
        self.shortcut: nn.Module = (
            nn.Identity() if same else nn.Conv3d(channels_in, channels_out, 1, stride=stride, bias=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, channel, z, y, x)."""
        return F.leaky_relu(self.main(x) + self.shortcut(x), 0.01)


class ResidualUNet(nn.Module):
    """Residual blocks at several resolutions, joined by skip connections.

    Parameters
    ----------
    in_channels, classes : int
        Channels in and out.
    channels : sequence of int
        Channels at each level, finest first. The sides of a patch must be multiples of ``2^(levels - 1)``, and hold
        two voxels along an axis at the coarsest level.

    Raises
    ------
    ModelError
        A number is below 1.

    Examples
    --------
    >>> ResidualUNet(1, 1, channels=(4, 8))(torch.zeros(1, 1, 8, 6, 4)).shape
    torch.Size([1, 1, 8, 6, 4])
    """

    def __init__(self, in_channels: int, classes: int, *, channels: Sequence[int] = (16, 32, 64, 128)) -> None:
        super().__init__()
        if not channels or min(in_channels, classes, *channels) < 1:
            raise ModelError(
                "A residual U-Net needs at least one channel at every level, one input channel and one class, "
                f"got {tuple(channels)}, {in_channels} and {classes}."
            )
        self.factor = 2 ** (len(channels) - 1)
        self.first = ResidualBlock(in_channels, channels[0])
        self.down, self.up, self.merge = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for fine, coarse in itertools.pairwise(channels):
            self.down.append(ResidualBlock(fine, coarse, stride=2))
            self.up.insert(0, nn.Conv3d(coarse, fine, 1))
            self.merge.insert(0, ResidualBlock(2 * fine, fine))
        self.last = nn.Conv3d(channels[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, channel, z, y, x) to logits (batch, class, z, y, x)."""
        x = self.first(x)
        skips = [x]
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips.pop()
        for up, merge in zip(self.up, self.merge):  # noqa: B905  TorchScript knows no strict
            x = F.interpolate(up(x), scale_factor=2.0, mode="trilinear", align_corners=False)
            x = merge(torch.cat([skips.pop(), x], 1))
        result: torch.Tensor = self.last(x)
        return result


def make_residual_unet(
    in_channels: int, classes: int, *, channels: Sequence[int] = (16, 32, 64, 128), seed: int = 0
) -> ResidualUNet:
    """Build a `ResidualUNet` whose first weights depend on the seed alone.

    Parameters
    ----------
    in_channels, classes, channels
        See `ResidualUNet`.
    seed : int
        Of the weights; torch's own generator stays as it is.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResidualUNet(in_channels, classes, channels=channels)
