"""The patch mapping in training: its 7^3 convolutions as products with matrices that are made of the kernels anew.

A patch of 7^3 voxels has no more voxels than the kernel, so that a convolution is mostly padding and its gradient
slower still. The product is the same sum in another order, and gradients flow back into the kernel through the index
that spreads it over the matrix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from napari_seamless.models.oss_net.patch_mapping import PatchMapping
from napari_seamless.models.oss_net.patch_matrix import dense_matrix
from napari_seamless.models.oss_net.settings import PATCH

if TYPE_CHECKING:
    from torch import Tensor

    from napari_seamless.models.oss_net import OSSNet


class MatrixMapping(PatchMapping):
    """A patch mapping with the same weights and results, that multiplies instead of convolving."""

    def forward(self, patches: Tensor) -> Tensor:
        """Map (\\*batch, channel, 7, 7, 7) to (\\*batch, 343)."""
        layers: Any = self.mapping
        first, activation, dropout, second, last = layers
        flat = patches.flatten(end_dim=-5).flatten(1)
        hidden = dropout(activation(_multiplied(flat, first)))
        mapped: Tensor = last(_multiplied(hidden, second))
        return mapped.reshape(*patches.shape[:-4], -1)


def with_matrices(network: OSSNet) -> OSSNet:
    """Let the patch mapping of a network multiply, in place, and return the network; its weights keep their names."""
    mapping = network.decoder.patch_mapping
    if isinstance(mapping, PatchMapping):
        mapping.__class__ = MatrixMapping
    return network


class _Matrix(torch.autograd.Function):
    """(channel out, channel in, 7, 7, 7) to (channel in, z, y, x, channel out, z, y, x)."""

    @staticmethod
    def forward(_: Any, kernel: Tensor) -> Tensor:
        return dense_matrix(kernel).permute(1, 0, 2, 3, 5, 4, 6, 7)

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].permute(4, 0, 1, 5, 2, 6, 3, 7)  # each axis of the input before that of the output
        for _axis in range(3):
            taps = [summed.diagonal(3 - tap, 2, 3).sum(-1) for tap in range(PATCH)]
            summed = torch.stack(taps, dim=-1)
        return summed


def _multiplied(flat: Tensor, convolution: torch.nn.Conv3d) -> Tensor:
    matrix: Tensor = _Matrix.apply(convolution.weight)  # type: ignore[no-untyped-call]
    matrix = matrix.reshape(flat.shape[1], -1)
    bias = convolution.bias
    if bias is None:  # pragma: no cover - these convolutions always have one
        raise TypeError
    return torch.addmm(bias.repeat_interleave(PATCH**3), flat, matrix)
