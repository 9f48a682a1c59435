"""The output of instances: its metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari_seamless
from napari_seamless.instances import Numbering, number_type
from napari_seamless.sinks import OutputSpec

if TYPE_CHECKING:
    from napari_seamless.engine.instances.settings import InstanceSettings
    from napari_seamless.types import Volume


def output_spec(volume: Volume, settings: InstanceSettings, numbering: Numbering) -> OutputSpec:
    """Return the output of numbered instances, in the place and the spacing of the labels."""
    said = {
        "count": numbering.count,
        "method": settings.method,
        "label_value": settings.label_value,
        "connectivity": settings.connectivity,
        "min_size": settings.min_size,
        "min_distance": settings.min_distance,
        "labels": volume.source,
    }
    return OutputSpec(
        name=f"{volume.name} instances",
        axes=volume.spatial_axes,
        shape=volume.spatial_shape,
        chunk=settings.chunk(volume.spatial_shape),
        dtype=number_type(numbering.count),
        classes=(),
        colors=(),
        n_channels=None,
        spacing=volume.spacing,
        translation=volume.translation,
        units=volume.units,
        metadata={"instances": said, "versions": {"napari-seamless": napari_seamless.__version__}},
    )
