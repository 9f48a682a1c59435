"""A small U-Net for two and three dimensions.

After O. Ronneberger, P. Fischer, T. Brox, *U-Net: convolutional networks for biomedical image segmentation* (MICCAI
2015), with strided convolutions down and interpolation up.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import nn
from torch.nn import functional as F

from napari_seamless.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

Norm = Literal["instance", "group", "batch"]

_CONVOLUTIONS: dict[int, type[nn.Conv2d | nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
_BATCH_NORMS: dict[int, type[nn.BatchNorm2d | nn.BatchNorm3d]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


class UNet(nn.Module):
    r"""Convolutions at several resolutions, joined by skip connections; takes patches of any size.

    Each level below the first halves the resolution. A patch whose sides are no multiple of ``2^(levels - 1)`` is
    padded at its ends by repeating its last voxels, and the output is cut to the patch.

    Parameters
    ----------
    in_channels, classes : int
        Channels in and out.
    channels : sequence of int
        Channels at each level, finest first.
    n_spatial : {2, 3}
        Spatial axes.
    norm : {"instance", "group", "batch"}
        Normalisation after each convolution. Instance and group norm look at the patch, batch norm, in use, at nothing.

    Raises
    ------
    ModelError
        A number is out of its range.

    Examples
    --------
    >>> UNet(1, 3, channels=(4, 8))(torch.zeros(1, 1, 9, 8, 7)).shape
    torch.Size([1, 3, 9, 8, 7])
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        channels: Sequence[int] = (16, 32, 64),
        n_spatial: int = 3,
        norm: Norm = "instance",
    ) -> None:
        super().__init__()
        _check(in_channels, classes, channels, n_spatial, norm)
        self.factor = 2 ** (len(channels) - 1)
        self.mode = "bilinear" if n_spatial == 2 else "trilinear"
        convolution = _CONVOLUTIONS[n_spatial]
        self.first = _block(n_spatial, in_channels, channels[0], norm)
        self.down, self.up, self.merge = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for fine, coarse in itertools.pairwise(channels):
            self.down.append(_block(n_spatial, fine, coarse, norm, stride=2))
            self.up.insert(0, convolution(coarse, fine, 1))
            self.merge.insert(0, _block(n_spatial, 2 * fine, fine, norm))
        self.last = convolution(channels[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        r"""Map (batch, channel, \*spatial) to logits (batch, class, \*spatial)."""
        shape = x.shape
        x = self.first(self._padded(x))
        skips = [x]
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips.pop()
        for up, merge in zip(self.up, self.merge):  # noqa: B905  TorchScript knows no strict
            x = F.interpolate(up(x), scale_factor=2.0, mode=self.mode, align_corners=False)
            x = merge(torch.cat([skips.pop(), x], 1))
        x = self.last(x)
        for axis in range(2, len(shape)):
            x = x.narrow(axis, 0, shape[axis])
        return x

    def _padded(self, x: torch.Tensor) -> torch.Tensor:
        """Repeat the last voxels up to the next multiple; the coarsest level keeps two voxels, which norms need."""
        pads: list[int] = []
        for i in range(x.dim() - 1, 1, -1):
            size = max(x.shape[i], 2 * self.factor if i == x.dim() - 1 else 1)
            pads += [0, (size + self.factor - 1) // self.factor * self.factor - x.shape[i]]
        return F.pad(x, pads, mode="replicate")


def make_unet(  # noqa: PLR0913  the parameters of UNet, and a seed
    in_channels: int,
    classes: int,
    *,
    channels: Sequence[int] = (16, 32, 64),
    n_spatial: int = 3,
    norm: Norm = "instance",
    seed: int = 0,
) -> UNet:
    """Build a `UNet` whose first weights depend on the seed alone.

    Parameters
    ----------
    in_channels, classes, channels, n_spatial, norm
        See `UNet`.
    seed : int
        Of the weights; torch's own generator stays as it is.

    Examples
    --------
    >>> first, second = (make_unet(1, 2, channels=(4, 8), seed=7).last.weight for _ in range(2))
    >>> torch.equal(first, second)
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet(in_channels, classes, channels=channels, n_spatial=n_spatial, norm=norm)


def _block(n_spatial: int, n_in: int, n_out: int, norm: Norm, stride: int = 1) -> nn.Sequential:
    """Return two convolutions, each with a norm and a rectifier; the first one may halve the resolution."""
    convolution = _CONVOLUTIONS[n_spatial]
    layers: list[nn.Module] = []
    for i in range(2):
        layers += [
            convolution(n_out if i else n_in, n_out, 3, stride=1 if i else stride, padding=1, bias=False),
            _norm(n_spatial, n_out, norm),
            nn.LeakyReLU(0.01, inplace=True),
        ]
    return nn.Sequential(*layers)


def _norm(n_spatial: int, channels: int, norm: Norm) -> nn.Module:
    if norm == "batch":
        return _BATCH_NORMS[n_spatial](channels)
    # a group for each channel is instance norm
    return nn.GroupNorm(channels if norm == "instance" else math.gcd(8, channels), channels)


def _check(in_channels: int, classes: int, channels: Sequence[int], n_spatial: int, norm: str) -> None:
    if n_spatial not in _CONVOLUTIONS:
        raise ModelError(f"A U-Net has 2 or 3 spatial axes, got {n_spatial}; choose a volume with as many.")
    if not channels or min(in_channels, classes, *channels) < 1:
        raise ModelError(
            "A U-Net needs at least one channel at every level, one input channel and one class, "
            f"got {tuple(channels)}, {in_channels} and {classes}."
        )
    if norm not in get_args(Norm):
        raise ModelError(f"norm must be one of {', '.join(get_args(Norm))}, got {norm!r}.")
