"""The output of a distance map: its metadata, and a sink that nobody sees before it is complete."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

import napari_seamless
from napari_seamless.sinks import METADATA_KEY, OmeZarrSink, OutputSpec
from napari_seamless.sinks.metadata import ome_attributes
from napari_seamless.sinks.pyramid import pyramid_levels

if TYPE_CHECKING:
    from pathlib import Path

    from napari_seamless.engine.distance.settings import DistanceSettings
    from napari_seamless.types import Box, Volume

Array = np.ndarray[Any, np.dtype[np.float32]]


def class_names(volume: Volume, classes: tuple[int, ...]) -> tuple[str, ...]:
    """Return the name of each class, or its number."""
    return tuple(volume.label_names.get(value, f"label {value}") for value in classes)


def output_spec(volume: Volume, settings: DistanceSettings, classes: tuple[int, ...]) -> OutputSpec:
    """Return the output of a map of these classes, in the place and the spacing of the labels."""
    said = {
        "classes": list(classes),
        "convention": settings.convention,
        "spacing": list(volume.spacing),
        "units": list(volume.units),
        "max_distance": settings.max_distance,
        "labels": volume.source,
    }
    return OutputSpec(
        name=f"{volume.name} distances",
        axes=volume.spatial_axes,
        shape=volume.spatial_shape,
        chunk=settings.chunk(volume.spatial_shape),
        dtype=np.dtype(np.float32),
        classes=class_names(volume, classes),
        colors=(),
        n_channels=len(classes),
        spacing=volume.spacing,
        translation=volume.translation,
        units=volume.units,
        metadata={"distance": said, "versions": {"napari-seamless": napari_seamless.__version__}},
    )


class MapSink:
    """Takes finished chunks of all classes from several threads, and remembers the largest distance of each class.

    Parameters
    ----------
    folder : pathlib.Path
        A place that does not exist; it is moved to its name when the map is complete.
    spec : OutputSpec
        The output.
    """

    def __init__(self, folder: Path, spec: OutputSpec) -> None:
        self._folder = folder
        self._spec = spec
        self._sink = OmeZarrSink(folder, spec, dict(spec.metadata))
        self._lock = threading.Lock()
        self._largest = np.zeros(len(spec.classes))

    def write(self, index: tuple[int, ...], box: Box, block: Array) -> None:
        r"""Store one chunk, (class, \*box.shape) float32."""
        self._sink.write(index, box, block)
        flat = block.reshape(len(block), -1)
        largest = np.maximum(flat.max(axis=1), -flat.min(axis=1))
        with self._lock:
            np.maximum(self._largest, largest, out=self._largest)

    def finish(self) -> None:
        """Complete the output; viewers are told a range around zero for each class."""
        self._sink.finish()
        limits = tuple((-far, far) for far in np.where(self._largest > 0, self._largest, 1.0).tolist())
        spec = replace(self._spec, limits=limits)
        group = zarr.open_group(self._folder, mode="r+", use_consolidated=False)
        levels = pyramid_levels(spec.shape, spec.chunk, spec.spacing)
        group.attrs.update({"ome": ome_attributes(spec, levels), METADATA_KEY: {**spec.metadata, "complete": True}})

    def close(self) -> None:
        """Let go of files."""
        self._sink.close()
