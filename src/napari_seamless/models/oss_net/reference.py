"""The published formulation, a convolution for each coordinate: the truth of tests and the rival of benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from napari_seamless.models.oss_net.pade import PadeActivation, pade_by_powers
from napari_seamless.models.oss_net.patches import gather_patches

if TYPE_CHECKING:
    from napari_seamless.models.oss_net.network import OSSNet
    from napari_seamless.models.oss_net.settings import Pooling


@torch.no_grad()
def reference_occupancy(
    network: OSSNet, volume: Any, coordinates: Tensor, latent: Tensor, pooling: Pooling | None = None
) -> Tensor:
    """Answer coordinates by the network's own modules: what `OSSNet.occupancy` must equal.

    Parameters
    ----------
    network : OSSNet
        In evaluation mode.
    volume : array-like
        (channel, z, y, x).
    coordinates : torch.Tensor
        (n, 3) int64: all are answered at once.
    latent : torch.Tensor
        (1, vector, length).
    pooling : {"mean", "max"} or None
        How large patches are pooled; None as the weights were trained.

    Returns
    -------
    torch.Tensor
        (n, class) in 0..1.
    """
    settings, patches = network.settings, None
    if settings.local_patches:
        large = (pooling or settings.large_patch_pooling) if settings.large_patches else None
        patches = gather_patches(volume, coordinates, large)[None]
    return network.decoder(coordinates[None].float(), patches, latent)[0]  # type: ignore[no-any-return]


class PowersActivation(PadeActivation):
    """The activation as its equation is written, without a fused form."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the activation of every value of x."""
        return pade_by_powers(x, self.weight_numerator, self.weight_denominator)


def with_powers(network: OSSNet) -> OSSNet:
    """Turn every activation of a network into the unfused form, in place, and return the network."""
    for module in network.modules():
        if isinstance(module, PadeActivation):
            module.__class__ = PowersActivation
    return network
