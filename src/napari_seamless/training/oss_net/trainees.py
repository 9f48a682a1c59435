"""What is trained: an occupancy network or a residual U-Net, behind one call that answers coordinates of crops."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_seamless.errors import ModelError, SettingsError
from napari_seamless.models.baselines import ResidualUNet, make_residual_unet
from napari_seamless.models.oss_net import SETTINGS, OSSNet, gather_patches
from napari_seamless.training.oss_net.fast_mapping import with_matrices
from napari_seamless.training.oss_net.samples import HALO
from napari_seamless.training.oss_net.settings import RESIDUAL_UNET, OccupancyTrainingSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LARGEST_CROP = 128
_ENCODER_CHANNELS = (16, 32, 64, 128)
_UNET_CHANNELS = (16, 32, 64, 128)


class Trainee(nn.Module):
    """A network that answers coordinates of crops with logits.

    Parameters
    ----------
    network : OSSNet or ResidualUNet
        What is trained, on any device.
    size : tuple of int
        Voxels of a crop.
    """

    def __init__(self, network: OSSNet | ResidualUNet, size: tuple[int, int, int]) -> None:
        super().__init__()
        self.network = with_matrices(network) if isinstance(network, OSSNet) else network
        self.size = size

    @property
    def grid(self) -> tuple[int, int, int]:
        """Voxels of the coarse labels that a head learns."""
        if isinstance(self.network, OSSNet):
            z, y, x = (n >> (len(self.network.settings.encoder_channels) + 1) for n in self.size)
            return z, y, x
        return (1, 1, 1)

    @property
    def has_head(self) -> bool:
        """Whether there is a low-resolution head."""
        return isinstance(self.network, OSSNet) and self.network.settings.has_head

    def forward(self, voxels: Tensor, coordinates: Tensor) -> tuple[Tensor, Tensor | None]:
        """Answer coordinates.

        Parameters
        ----------
        voxels : torch.Tensor
            (batch, channel, z, y, x): crops with a halo of 7 voxels.
        coordinates : torch.Tensor
            (batch, n, 3) int64 voxels of the crops.

        Returns
        -------
        logits : torch.Tensor
            (batch, n, class).
        head : torch.Tensor or None
            (batch, 1, z, y, x) in 0..1, where there is a head.
        """
        crops = self._inner(voxels)
        if isinstance(self.network, ResidualUNet):
            dense = self.network(crops)
            return torch.stack(
                [d[(slice(None), *at.unbind(1))].T for d, at in zip(dense, coordinates, strict=True)]
            ), None
        return _occupancy_logits(self.network, crops, voxels, coordinates)

    @torch.no_grad()
    def segment(self, voxels: Tensor) -> Tensor:
        """Segment one (channel, z, y, x) crop with its halo, as the network is in use; (z, y, x) bool on the CPU."""
        crop = self._inner(voxels[None])
        if isinstance(self.network, OSSNet):
            grid: Tensor = self.network.segment(halved(crop)[0], crop[0])
            return grid
        logits: Tensor = self.network(crop)[0]
        return (logits[0] > 0 if len(logits) == 1 else logits.argmax(0) > 0).cpu()

    def parameter_groups(self, settings: OccupancyTrainingSettings) -> list[dict[str, Any]]:
        """Return weights and coefficients of activations with their rates."""
        groups: list[dict[str, Any]] = []
        for is_activation, rate in ((False, settings.learning_rate), (True, settings.activation_rate)):
            found = [p for name, p in self.named_parameters() if _is_coefficient(name) is is_activation]
            groups += [{"params": found, "lr": rate, "initial_lr": rate}] if found else []
        return groups

    def _inner(self, voxels: Tensor) -> Tensor:
        return voxels[:, :, HALO:-HALO, HALO:-HALO, HALO:-HALO]


def halved(crops: Tensor) -> Tensor:
    """Return (batch, channel, z, y, x) with even sides at half the resolution, trilinear with corners not aligned."""
    return F.avg_pool3d(crops, 2)


def build_trainee(settings: OccupancyTrainingSettings, channels: int, extents: Sequence[int]) -> Trainee:
    """Build the network of a setting with first weights that depend on the seed alone.

    Parameters
    ----------
    settings : OccupancyTrainingSettings
        Which network.
    channels : int
        Of the images.
    extents : sequence of int
        Voxels of the largest part along each axis.

    Raises
    ------
    SettingsError, ModelError
        The crop does not fit the network, or a published setting has other channels.
    """
    if settings.setting == RESIDUAL_UNET:
        widths = settings.encoder_channels or _UNET_CHANNELS
        size = crop_size(settings, 1 << len(widths), extents)
        return Trainee(make_residual_unet(channels, settings.classes, channels=widths, seed=settings.seed), size)
    changes = dict(_changes(settings))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        if settings.is_published:
            z, y, x = SETTINGS[settings.setting].encoder_size
            size = (2 * z, 2 * y, 2 * x)
            network = OSSNet(replace(SETTINGS[settings.setting], crop=size, **changes))
            _check_published(network, channels, settings, size)
            return Trainee(network, size)
        widths = settings.encoder_channels or _ENCODER_CHANNELS
        size = crop_size(settings, 2 << len(widths), extents)
        grid = tuple(n >> (len(widths) + 1) for n in size)
        changes |= {"channels": channels, "encoder_channels": widths, "latent_grid": grid, "crop": size}
        base = replace(SETTINGS[f"{settings.setting}_lits"], name=settings.setting)
        return Trainee(OSSNet(replace(base, **changes)), size)


def crop_size(settings: OccupancyTrainingSettings, factor: int, extents: Sequence[int]) -> tuple[int, int, int]:
    """Return the voxels of a crop, multiples of a factor."""
    if settings.crop is None:
        z, y, x = (min(_LARGEST_CROP, -(-n // factor) * factor) for n in extents)
        return z, y, x
    sizes = np.broadcast_to(np.asarray(settings.crop), 3).tolist() if np.size(settings.crop) in {1, 3} else []
    if len(sizes) != 3 or any(n < factor or n % factor for n in sizes):
        raise SettingsError(
            f"crop must be a multiple of {factor} voxels along each of three axes for this encoder, got "
            f"{settings.crop}; round it, or give fewer encoder channels."
        )
    return sizes[0], sizes[1], sizes[2]


def _occupancy_logits(
    network: OSSNet, crops: Tensor, voxels: Tensor, coordinates: Tensor
) -> tuple[Tensor, Tensor | None]:
    settings, decoder = network.settings, network.decoder
    latent, head = network.encoder(halved(crops))
    patches = None
    if settings.local_patches:
        pooling = settings.large_patch_pooling if settings.large_patches else None
        patches = torch.stack(
            [gather_patches(v, at + HALO, pooling) for v, at in zip(voxels, coordinates, strict=True)]
        )
    x = torch.cat(decoder.inputs(coordinates.float(), patches, latent), dim=-1)
    for block, vector in zip(decoder.blocks, decoder.conditions(latent), strict=True):
        x = block(x, vector)
    linear: Any = decoder.final_mapping[0]
    return linear(x), head


def _changes(settings: OccupancyTrainingSettings) -> Iterator[tuple[str, Any]]:
    yield "classes", settings.classes
    yield "dropout", settings.dropout
    for name in ("width", "decoder_blocks"):
        if getattr(settings, name) is not None:
            yield name, getattr(settings, name)


def _check_published(
    network: OSSNet, channels: int, settings: OccupancyTrainingSettings, size: tuple[int, ...]
) -> None:
    name = settings.setting
    if network.settings.channels != channels:
        raise ModelError(
            f"{name} takes {network.settings.channels} channels, but the images have {channels}; leave the data set "
            f"out of its name, as in {name.removesuffix('_lits').removesuffix('_bra_ts')}."
        )
    given = settings.crop if settings.crop is None else tuple(np.broadcast_to(np.asarray(settings.crop), 3).tolist())
    if given not in {None, size} or settings.encoder_channels not in {None, SETTINGS[name].encoder_channels}:
        raise SettingsError(f"{name} has a crop of {size} and channels of its own; leave the data set out of its name.")


def _is_coefficient(name: str) -> bool:
    return name.endswith(("weight_numerator", "weight_denominator"))
