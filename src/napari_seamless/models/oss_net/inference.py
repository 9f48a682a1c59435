"""The decoder for one volume: what weights and latent vectors fix is folded once, and coordinates cost little.

With one latent vector, a conditional batch norm in use is a scale and a shift. They go into the linear layer before it,
and what the latent vector adds to the first layers is a constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_seamless.models.oss_net.pade import pade, shift_and_activate_
from napari_seamless.models.oss_net.patch_matrix import PatchMatrix
from napari_seamless.models.oss_net.patches import Region, region_around
from napari_seamless.models.oss_net.settings import PATCH, OSSNetSettings, Pooling
from napari_seamless.models.oss_net.tiles import tiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_seamless.models.oss_net.blocks import DecoderBlock
    from napari_seamless.models.oss_net.decoder import Decoder

MEMORY_BUDGET = 1 << 28
"""Bytes that the values of one chunk of coordinates may take."""

_CHUNK = {"cpu": 512}
"""Coordinates at a time where caches decide; elsewhere the budget does."""


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A linear layer: (in, out) weights and (out,) shift."""

    weight: Tensor
    shift: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """A folded block of the decoder; without a shortcut layer its input is added as it is."""

    first: _Layer
    second: _Layer
    shortcut: _Layer | None
    units: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]


class InferenceDecoder:
    """A decoder with the latent vectors of one volume, as the network is in use.

    Parameters
    ----------
    settings : OSSNetSettings
        What the decoder is built of.
    decoder : Decoder
        Its weights are copied: later changes are not seen.
    latent : torch.Tensor
        (1, vector, length).
    memory_budget : int
        Bytes that the values of one chunk of coordinates may take.
    like : InferenceDecoder or None
        One with the same weights and other latent vectors, whose matrices of patches are shared.
    """

    def __init__(
        self,
        settings: OSSNetSettings,
        decoder: Decoder,
        latent: Tensor,
        memory_budget: int = MEMORY_BUDGET,
        *,
        like: InferenceDecoder | None = None,
    ) -> None:
        self._settings, self._decoder = settings, decoder
        latent, blocks = latent.detach(), cast("list[DecoderBlock]", list(decoder.blocks))
        conditions = decoder.conditions(latent)
        self._blocks = [_fold(block, vector[0]) for block, vector in zip(blocks, conditions, strict=True)]
        self._blocks[0] = _without_latent(self._blocks[0], latent[0, 0])
        last: Any = decoder.final_mapping[0]
        self._last = last.weight.detach().t().contiguous()
        fields = 2 if settings.large_patches else 1
        self._patches: PatchMatrix | None = None if like is None else like._patches
        if like is None and decoder.patch_mapping is not None:
            self._patches = PatchMatrix(decoder.patch_mapping, fields)
        width = max(2 * PATCH**3 * settings.patch_channels, 4 * settings.width)
        device = latent.device.type
        self._chunk = max(1, min(_CHUNK.get(device, 1 << 20), memory_budget // (4 * width)))

    def __call__(
        self,
        volume: Any,
        coordinates: Tensor,
        pooling: Pooling | None = None,
        *,
        origin: Tensor | None = None,
        between: Callable[[int], object] | None = None,
    ) -> Tensor:
        """Answer which coordinates are inside; differentiable with respect to them where they require it.

        Parameters
        ----------
        volume : array-like
            (channel, z, y, x); only boxes around coordinates are read.
        coordinates : torch.Tensor
            (n, 3): voxel indices, on the network's device. Patches are those of the nearest voxel.
        pooling : {"mean", "max"} or None
            How large patches are pooled; None as the weights were trained.
        origin : torch.Tensor or None
            (3,): voxel that coordinates count from where they are features, the corner of what was encoded; None for 0.
        between : callable or None
            Called with a number of coordinates before they are answered; what it raises ends the call.

        Returns
        -------
        torch.Tensor
            (n, class) in 0..1.
        """
        features = coordinates if origin is None else coordinates - origin
        voxels = (coordinates.detach() + 0.5).floor().long()
        pooling = (pooling or self._settings.large_patch_pooling) if self._settings.large_patches else None
        parts, places = [], []
        for tile in tiles(voxels):
            region = None if self._patches is None else region_around(volume, voxels[tile], pooling)
            for chunk in torch.split(tile, self._chunk):
                if between is not None:
                    between(len(chunk))
                parts.append(self._chunk_of(region, voxels[chunk], features[chunk]))
                places.append(chunk)
        if not parts:
            return coordinates.new_zeros(0, self._settings.classes)
        joined = torch.cat(parts)
        return torch.zeros_like(joined).index_copy(0, torch.cat(places), joined)

    def _chunk_of(self, region: Region | None, voxels: Tensor, coordinates: Tensor) -> Tensor:
        known = self._decoder.coordinate_features(coordinates)
        if self._patches is not None and region is not None:
            with torch.no_grad():
                seen = self._patches(region, voxels)
            known = torch.cat([known, seen], dim=1)
        wanted = torch.is_grad_enabled() and coordinates.requires_grad
        return self._differentiable(known) if wanted else self._in_place(known)

    def _differentiable(self, x: Tensor) -> Tensor:
        for block in self._blocks:
            hidden = pade(torch.addmm(block.first.shift, x, block.first.weight), *block.units[0])
            hidden = torch.addmm(block.second.shift, hidden, block.second.weight)
            x = pade(hidden + (x if block.shortcut is None else x @ block.shortcut.weight), *block.units[1])
        return self._occupancies(x @ self._last)

    @torch.no_grad()
    def _in_place(self, x: Tensor) -> Tensor:
        for block in self._blocks:
            hidden = shift_and_activate_(x @ block.first.weight, block.first.shift, *block.units[0])
            onto = x if block.shortcut is None else x @ block.shortcut.weight
            x = shift_and_activate_(onto.addmm_(hidden, block.second.weight), block.second.shift, *block.units[1])
        return self._occupancies(x @ self._last)

    def _occupancies(self, values: Tensor) -> Tensor:
        return values.sigmoid() if values.shape[1] == 1 else F.softmax(values, dim=1)


def _fold(block: DecoderBlock, latent: Tensor) -> _Block:
    """Fold the conditional batch norms of a block under one (length,) latent vector."""
    first, second = (
        _scaled(block.linear_layer_1, block.cnb_1, latent),
        _scaled(block.linear_layer_2, block.cnb_2, latent),
    )
    shortcut = None
    if not isinstance(block.residual_mapping, torch.nn.Identity):
        weight, bias = block.residual_mapping.weight.detach(), block.residual_mapping.bias.detach()
        shortcut = _Layer(weight.t().contiguous(), torch.zeros_like(bias))
        second = _Layer(second.weight, second.shift + bias)
    units = tuple(
        (unit.weight_numerator.detach().clone(), unit.weight_denominator.detach().clone())
        for unit in (block.activation, block.final_activation)
    )
    return _Block(first, second, shortcut, (units[0], units[1]))


def _scaled(linear: Any, norm: Any, latent: Tensor) -> _Layer:
    scale, shift = norm.scale_and_shift(latent)
    weight = (linear.weight.double() * scale[:, None]).detach().to(latent.dtype)
    return _Layer(weight.t().contiguous(), (linear.bias.double() * scale + shift).detach().to(latent.dtype))


def _without_latent(block: _Block, latent: Tensor) -> _Block:
    """Turn what the latent vector adds at the end of the first block's input into shifts."""
    length = len(latent)
    # A block that keeps the width adds its input as it is, the latent part of it included.
    around = block.shortcut or _Layer(
        torch.eye(len(block.first.weight)).to(latent), torch.zeros_like(block.second.shift)
    )
    first, constant = _split(block.first, latent, length)
    shortcut, other = _split(around, latent, length)
    second = _Layer(block.second.weight, block.second.shift + other)
    return _Block(_Layer(first, block.first.shift + constant), second, _Layer(shortcut, other), block.units)


def _split(layer: _Layer, latent: Tensor, length: int) -> tuple[Tensor, Tensor]:
    constant = (latent.double() @ layer.weight[-length:].double()).to(latent.dtype)
    return layer.weight[:-length].contiguous(), constant
