"""The 7^3 convolution of a 7^3 patch with padding 3 as what it is: a fixed matrix, banded by planes.

Output plane p of a patch sees input planes p - 3 .. p + 3 alone, and through the same matrix wherever p is. So a plane
of voxels can be multiplied once, for all seven places it may take under the kernel, and shared by every coordinate of
its column whose patch holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_seamless.models.oss_net.pade import PadeActivation, shift_and_activate_
from napari_seamless.models.oss_net.patches import Region, fields_of, gather, windows, windows_of
from napari_seamless.models.oss_net.settings import PATCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.models.oss_net.patch_mapping import PatchMapping

_BANDS = (((0, 2), (0, 5)), ((2, 5), (0, 7)), ((5, 7), (2, 7)))
"""Output planes, from and to, that are multiplied together, and the input planes they see."""

_SHARED_FROM = 3.5
"""Planes for each patch below which sharing them is less work than multiplying patches."""


def dense_matrix(kernel: Tensor) -> Tensor:
    """Return the matrix of a 7^3 convolution with padding 3 on 7^3 patches.

    Parameters
    ----------
    kernel : torch.Tensor
        (channel out, channel in, 7, 7, 7).

    Returns
    -------
    torch.Tensor
        (z, channel in, y, x, z, channel out, y, x): what each input value adds to each output value.

    Examples
    --------
    >>> dense_matrix(torch.ones(1, 2, 7, 7, 7)).shape
    torch.Size([7, 2, 7, 7, 7, 1, 7, 7])
    """
    padded, place = F.pad(kernel, (3,) * 6), _places(kernel.device)
    full = padded[:, :, place[:, :, None, None, None, None], place[:, :, None, None], place]
    return full.permute(2, 1, 4, 6, 3, 0, 5, 7).contiguous()


def plane_matrix(kernel: Tensor) -> Tensor:
    """Return what a plane of 7^2 values adds to the seven output planes 3 before it to 3 after it.

    Parameters
    ----------
    kernel : torch.Tensor
        (channel out, channel in, 7, 7, 7).

    Returns
    -------
    torch.Tensor
        (channel in, y, x, z, channel out, y, x).
    """
    padded, place = F.pad(kernel.flip(2), (3, 3, 3, 3)), _places(kernel.device)
    full = padded[:, :, :, place[:, :, None, None], place]
    return full.permute(1, 3, 5, 2, 0, 4, 6).contiguous()


def _places(device: torch.device) -> Tensor:
    """Return (input, output): where in a kernel with 3 zeros on both sides the input lies as seen from the output."""
    at = torch.arange(PATCH, device=device)
    return at[:, None] - at[None] + PATCH - 1


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    """The matrices of the first convolution for one half of the channels: local patches, or large ones."""

    patch: tuple[Tensor, ...]
    plane: Tensor


class PatchMatrix:
    """The patch mapping of fixed weights, for inference.

    Parameters
    ----------
    mapping : PatchMapping
        The mapping, in use: its dropout does nothing.
    fields : int
        1 for local patches, 2 with large ones.
    """

    def __init__(self, mapping: PatchMapping, fields: int) -> None:
        layers: Any = mapping.mapping
        first, self._activation, _, second, self._last_activation = layers
        kernel, last = first.weight.detach(), second.weight.detach()
        self._hidden = kernel.shape[0]
        self._fields = [_field(part) for part in kernel.chunk(fields, dim=1)]
        self._last = _bands(dense_matrix(last))
        self._shift = first.bias.detach().repeat_interleave(PATCH**2).repeat(PATCH)
        self._last_shift = second.bias.detach().repeat(PATCH**3)

    def __call__(self, region: Region, coordinates: Tensor, *, share: bool | None = None) -> Tensor:
        """Return the (n, 343) features of the patches around coordinates.

        Parameters
        ----------
        region : Region
            What lies around them.
        coordinates : torch.Tensor
            (n, 3) int64.
        share : bool or None
            Whether planes are multiplied once for all patches that hold them; None decides by the work it saves.
        """
        hidden = self._first(region, coordinates, share)
        _activate_(hidden, self._shift, self._activation)
        out = hidden.new_empty(len(hidden), PATCH**3)
        _multiply(hidden, self._last, out, add=False)
        return _activate_(out, self._last_shift, self._last_activation)

    def _first(self, region: Region, coordinates: Tensor, share: bool | None) -> Tensor:
        out = region.voxels.new_empty(len(coordinates), PATCH**3 * self._hidden)
        if region.pooling and region.pooled is None:
            for i, (part, field) in enumerate(zip(gather(region, coordinates).chunk(2, 2), self._fields, strict=True)):
                _multiply(part.flatten(1), field.patch, out, add=i > 0)
            return out
        for i, (place, field) in enumerate(zip(fields_of(region, coordinates), self._fields, strict=True)):
            self._add(place, field, out, (i > 0, share))
        return out

    def _add(
        self, place: tuple[Tensor, Tensor, int], field: _Field, out: Tensor, how: tuple[bool, bool | None]
    ) -> None:
        values, starts, step = place
        add, share = how
        planes, where = (None, None) if share is False else unique_planes(starts, step, values.shape)
        if planes is not None and where is not None and (share or len(planes) <= _SHARED_FROM * len(starts)):
            products = windows_of(values, planes, step).flatten(1) @ field.plane
            add_planes(products, where, out, add=add)
        else:
            _multiply(windows(values, starts, PATCH, step).flatten(1), field.patch, out, add=add)


def unique_planes(starts: Tensor, step: int, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Find the planes that patches are made of.

    Parameters
    ----------
    starts : torch.Tensor
        (n, 3) int64: first value of each patch.
    step : int
        Distance of the values of a patch.
    shape : sequence of int
        (channel, z, y, x) of the field.

    Returns
    -------
    planes : torch.Tensor
        (plane, 3): first value of each.
    where : torch.Tensor
        (n, 7): the planes of each patch.
    """
    _, z, _, x = shape
    rows = (starts[:, 1] * x + starts[:, 2]) * z + starts[:, 0]
    keys = rows[:, None] + step * torch.arange(PATCH, device=starts.device)
    planes, where = torch.unique(keys, return_inverse=True)
    across = planes // z
    return torch.stack([planes % z, across // x, across % x], dim=1), where


def add_planes(products: Tensor, where: Tensor, out: Tensor, *, add: bool) -> None:
    """Sum what planes add to the output planes of each patch.

    Parameters
    ----------
    products : torch.Tensor
        (plane, 7 * width): what each plane adds to the outputs 3 before it to 3 after it.
    where : torch.Tensor
        (n, 7): the planes of each patch.
    out : torch.Tensor
        (n, 7 * width); written.
    add : bool
        Whether to add to what is there.
    """
    if out.device.type == "cpu" and out.dtype == torch.float32:
        from napari_seamless.models.oss_net.plane_kernels import sum_planes

        sum_planes(products.numpy(), where.numpy(), out.numpy(), add)
        return
    if not add:
        out.zero_()
    into, rows = out.view(len(out), PATCH, -1), products.view(len(products), PATCH, -1)
    for plane in range(PATCH):
        low, high = max(0, plane - 3), min(PATCH, plane + 4)
        into[:, low:high] += rows[where[:, plane], low - plane + 3 : high - plane + 3]


def _field(kernel: Tensor) -> _Field:
    return _Field(_bands(dense_matrix(kernel)), plane_matrix(kernel).flatten(0, 2).flatten(1))


def _bands(matrix: Tensor) -> tuple[Tensor, ...]:
    parts = (matrix[seen[0] : seen[1], :, :, :, made[0] : made[1]] for made, seen in _BANDS)
    return tuple(part.flatten(0, 3).flatten(1).contiguous() for part in parts)


def _multiply(patches: Tensor, bands: tuple[Tensor, ...], out: Tensor, *, add: bool) -> None:
    """Multiply (n, 7 * width) patches, band by band."""
    into, planes = out.view(len(out), PATCH, -1), patches.view(len(patches), PATCH, -1)
    for (made, seen), band in zip(_BANDS, bands, strict=True):
        part = into[:, made[0] : made[1]].flatten(1)
        given = planes[:, seen[0] : seen[1]].flatten(1)
        torch.addmm(part, given, band, beta=int(add), out=part)


def _activate_(x: Tensor, shift: Tensor, activation: Any) -> Tensor:
    unit: PadeActivation = activation
    return shift_and_activate_(x, shift, unit.weight_numerator, unit.weight_denominator)
