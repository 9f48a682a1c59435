"""What the decoder makes of the patches around a coordinate: 343 features."""

from __future__ import annotations

from torch import Tensor, nn

from napari_seamless.models.oss_net.pade import PadeActivation


class PatchMapping(nn.Module):
    """Two 7^3 convolutions with activations, the second to one channel.

    Parameters
    ----------
    channels : int
        Channels of the patches, local ones first.
    dropout : float
        Share of features dropped in training.
    """

    def __init__(self, channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        hidden = max(channels // 2, 1)
        self.mapping = nn.Sequential(
            nn.Conv3d(channels, hidden, 7, padding=3),
            PadeActivation(),
            nn.Dropout(dropout),
            nn.Conv3d(hidden, 1, 7, padding=3),
            PadeActivation(),
        )

    def forward(self, patches: Tensor) -> Tensor:
        """Map (\\*batch, channel, 7, 7, 7) to (\\*batch, 343)."""
        mapped: Tensor = self.mapping(patches.flatten(end_dim=-5))
        return mapped.reshape(*patches.shape[:-4], -1)
