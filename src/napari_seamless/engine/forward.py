"""One batch: read it, evaluate it, check what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.engine import evaluator
from napari_seamless.engine.network_call import check_shape
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
    boxes = [plan.patch_box(index) for index in batch]
    voxels = np.empty((len(boxes), reader.n_channels, *boxes[0].shape), dtype=np.float32)
    for box, patch in zip(boxes, voxels, strict=True):
        reader.read_into(box, patch)
    return voxels


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
    check_shape(output, voxels.shape, model.spec.name)
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
    evaluator.check_finite(output[None], (box,), name)
