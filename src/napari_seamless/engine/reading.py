"""How a run reads its patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.patches import PatchReader, Statistics
from napari_seamless.types import Padding

if TYPE_CHECKING:
    from napari_seamless.recipe import RunSettings
    from napari_seamless.types import Normalization, Plan, Volume

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
