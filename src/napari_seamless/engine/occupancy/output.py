"""The output of an OSS-Net: labels in the place of the volume."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

import napari_seamless
from napari_seamless.errors import ModelError
from napari_seamless.sinks import OutputSpec
from napari_seamless.types import ModelSpec

if TYPE_CHECKING:
    from napari_seamless.engine.occupancy.settings import OccupancySettings
    from napari_seamless.models.oss_net import OSSNetSettings
    from napari_seamless.types import Volume

_MOST_CLASSES = 254


def class_names(network: OSSNetSettings) -> tuple[str, ...]:
    """Return the name of each label value.

    Raises
    ------
    ModelError
        More classes than a byte tells apart.
    """
    if network.classes > _MOST_CLASSES:
        raise ModelError(f"{network.name} has {network.classes} classes; at most {_MOST_CLASSES} can be stored.")
    if network.classes == 1:
        return ("background", "inside")
    return ("background", *(f"class {i}" for i in range(1, network.classes)))


def output_spec(volume: Volume, network: OSSNetSettings, settings: OccupancySettings) -> OutputSpec:
    """Describe the labels of a volume."""
    from napari_seamless.engine.classes import class_colors

    names = class_names(network)
    return OutputSpec(
        name=f"{volume.name} occupancy",
        axes=volume.spatial_axes,
        shape=volume.spatial_shape,
        chunk=settings.chunk(volume.spatial_shape),
        dtype=np.dtype(np.uint8),
        classes=names,
        colors=class_colors(ModelSpec(name=network.name), names),
        n_channels=None,
        spacing=volume.spacing,
        translation=volume.translation,
        units=volume.units,
        metadata={"occupancy": _said(volume, network, settings), "versions": _versions(), "classes": names},
    )


def _said(volume: Volume, network: OSSNetSettings, settings: OccupancySettings) -> dict[str, Any]:
    """Return what decides the labels, as JSON-able values."""
    pooling = settings.large_patch_pooling or network.large_patch_pooling
    return {
        "network": asdict(network),
        "volume": volume.source,
        "stages": list(settings.stages),
        "threshold": settings.threshold,
        "low_resolution_threshold": settings.low_resolution_threshold,
        "large_patch_pooling": pooling if network.large_patches else None,
        "normalization": settings.normalization,
    }


def _versions() -> dict[str, str]:
    return {"napari-seamless": napari_seamless.__version__}
