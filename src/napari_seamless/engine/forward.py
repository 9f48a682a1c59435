"""One batch: read it, evaluate it, check what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.errors import ModelError
from napari_seamless.patches import PatchReader, Statistics
from napari_seamless.types import Padding

if TYPE_CHECKING:
    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import Box, Model, Normalization, Plan, Volume

FloatArray = np.ndarray[Any, np.dtype[np.float32]]


def patch_reader(
    volume: Volume,
    settings: RunSettings,
    plan: Plan,
    normalization: Normalization,
    statistics: Statistics | None,
) -> PatchReader:
    """Return the reader of a run."""
    return PatchReader(
        volume,
        channel=settings.channel,
        normalization=normalization,
        statistics=statistics,
        padding=padding_of(settings, plan),
    )


def padding_of(settings: RunSettings, plan: Plan) -> Padding | None:
    """Return what lies beyond the volume; None for all border modes but ``pad``.

    Raises
    ------
    SettingsError
        The settings of the padding do not fit each other.
    """
    if plan.border != "pad":
        return None
    return Padding(
        mode=settings.pad_mode,
        value=settings.pad_value,
        stat_length=plan.patch_size if settings.pad_stat_length is None else settings.pad_stat_length,
        width=plan.pad_width,
    )


def read_batch(reader: PatchReader, plan: Plan, batch: tuple[tuple[int, ...], ...]) -> FloatArray:
    r"""Return float32 (batch, channel, \\*patch)."""
    return np.stack([reader.read(plan.patch_box(index)) for index in batch])


def forward(model: Model, voxels: FloatArray, device: torch.device) -> torch.Tensor:
    r"""Evaluate a batch.

    Parameters
    ----------
    model : Model
        The network, already on `device`.
    voxels : numpy.ndarray
        (batch, channel, \\*patch) float32.
    device : torch.device
        Where to evaluate it.

    Returns
    -------
    torch.Tensor
        (batch, class, \\*patch) float32 on `device`.

    Raises
    ------
    ModelError
        The output has another batch or spatial shape.
    """
    output = model(torch.from_numpy(voxels).to(device)).detach()
    if output.ndim != voxels.ndim or output.shape[0] != voxels.shape[0] or output.shape[2:] != voxels.shape[2:]:
        raise ModelError(
            f"The network {model.spec.name} returned shape {tuple(output.shape)} for a batch of shape {voxels.shape}; "
            f"({voxels.shape[0]}, class, {', '.join(map(str, voxels.shape[2:]))}) was expected, so use a network that "
            "keeps the spatial shape."
        )
    return output


def check_finite(output: torch.Tensor, box: Box, name: str) -> None:
    r"""Refuse NaN and infinity.

    Parameters
    ----------
    output : torch.Tensor
        (class, \\*patch) float32.
    box : Box
        The patch's place, for the message.
    name : str
        The network's name, for the message.

    Raises
    ------
    ModelError
        The patch holds NaN or infinity.
    """
    # the sum is quick and tells almost always; finite values whose sum is infinite are told apart by the second look
    if not torch.isfinite(output.sum()) and not torch.isfinite(output).all():
        raise ModelError(
            f"The network {name} returned NaN or infinity for the patch from {box.start} to {box.stop}; "
            "check its weights and the normalisation it expects."
        )
