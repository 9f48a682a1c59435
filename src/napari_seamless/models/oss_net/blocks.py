"""The residual blocks of the encoder and of the decoder. Names of parameters are those of published weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_seamless.models.oss_net.pade import PadeActivation

if TYPE_CHECKING:
    from collections.abc import Sequence


class EncoderBlock(nn.Module):
    """Two convolutions beside a shortcut; halves the resolution.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels.
    dropout : float
        Share of features dropped in training.
    """

    def __init__(self, channels_in: int, channels_out: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.main_mapping = nn.Sequential(
            nn.Conv3d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm3d(channels_out),
            PadeActivation(),
            nn.AvgPool3d(2),
            nn.Dropout(dropout),
            nn.Conv3d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm3d(channels_out),
        )
        same = channels_in == channels_out
        self.residual_mapping = nn.Identity() if same else nn.Conv3d(channels_in, channels_out, 1, bias=False)
        self.final_activation = PadeActivation()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channel, z, y, x) to half its edges."""
        # A 1^3 convolution and a mean commute: pooled first, it has an eighth of the voxels to do.
        shortcut = self.residual_mapping(F.avg_pool3d(x, 2))
        activated: Tensor = self.final_activation(self.main_mapping(x) + shortcut)
        return activated


class ConditionalBatchNorm(nn.Module):
    """Batch norm over all values at once, then a scale and a shift that follow from the latent vector.

    Parameters
    ----------
    latent : int
        Length of a latent vector.
    features : int
        Features that are scaled.
    """

    def __init__(self, latent: int, features: int) -> None:
        super().__init__()
        self.linear_gamma = nn.Linear(latent, features)
        self.linear_beta = nn.Linear(latent, features)
        self.normalization = nn.BatchNorm1d(1, affine=False)
        nn.init.zeros_(self.linear_gamma.weight)
        nn.init.ones_(self.linear_gamma.bias)
        nn.init.zeros_(self.linear_beta.weight)
        nn.init.zeros_(self.linear_beta.bias)

    def forward(self, x: Tensor, latent: Tensor) -> Tensor:
        """Normalise (batch, coordinate, feature) by the (batch, length) latent vectors."""
        normalised = self.normalization(x.reshape(-1, 1, x.shape[-1])).reshape(x.shape)
        gamma, beta = self.linear_gamma(latent), self.linear_beta(latent)
        return torch.addcmul(beta[:, None], gamma[:, None], normalised)

    def scale_and_shift(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the layer, in use, multiplies by and adds, for one (length,) latent vector; float64."""
        gamma = self.linear_gamma.weight.double() @ latent.double() + self.linear_gamma.bias.double()
        beta = self.linear_beta.weight.double() @ latent.double() + self.linear_beta.bias.double()
        mean, variance = self.normalization.running_mean, self.normalization.running_var
        if mean is None or variance is None:  # pragma: no cover - these batch norms always keep statistics
            raise TypeError
        scale = gamma / torch.sqrt(variance.double() + self.normalization.eps)
        return scale, beta - mean.double() * scale


class DecoderBlock(nn.Module):
    """Two linear layers beside a shortcut.

    Parameters
    ----------
    sizes : sequence of int
        Features in, features out, length of a latent vector.
    dropout : float
        Share of features dropped in training.
    """

    def __init__(self, sizes: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        features_in, features_out, latent = sizes
        self.linear_layer_1 = nn.Linear(features_in, features_out)
        self.linear_layer_2 = nn.Linear(features_out, features_out)
        self.activation = PadeActivation()
        self.final_activation = PadeActivation()
        self.dropout = nn.Dropout(dropout)
        same = features_in == features_out
        self.residual_mapping = nn.Identity() if same else nn.Linear(features_in, features_out)
        self.cnb_1 = ConditionalBatchNorm(latent, features_out)
        self.cnb_2 = ConditionalBatchNorm(latent, features_out)

    def forward(self, x: Tensor, latent: Tensor) -> Tensor:
        """Map (batch, coordinate, feature) under (batch, length) latent vectors."""
        hidden = self.dropout(self.activation(self.cnb_1(self.linear_layer_1(x), latent)))
        hidden = self.cnb_2(self.linear_layer_2(hidden), latent)
        activated: Tensor = self.final_activation(hidden + self.residual_mapping(x))
        return activated
