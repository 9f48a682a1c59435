"""The work on a map: what the dock asks of the core, on a thread."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_seamless._napari.distance_layer_marks import common_unit
from napari_seamless._napari.distance_layers import DistanceMark, distance_layers
from napari_seamless._qt import text
from napari_seamless.distance import Census, count_labels, signed_distances
from napari_seamless.engine.control import Control
from napari_seamless.engine.distance import DistanceSettings, write_distance_map
from napari_seamless.engine.distance.labels import read_labels, spacing_warnings
from napari_seamless.engine.distance.output import class_names
from napari_seamless.engine.events import OnEvent, Progress
from napari_seamless.errors import SettingsError
from napari_seamless.types import Box, Volume
from napari_seamless.volume import open_volume


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """What came of it.

    Parameters
    ----------
    layers : list of LayerDataTuple
        One for each class.
    path : Path or None
        Where they were saved.
    warnings : tuple of str
        What a person should know.
    """

    layers: list[Any]
    path: Path | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistanceJob:
    """One map.

    Parameters
    ----------
    volume : Volume
        The labels.
    names : mapping of int to str
        Names of classes.
    settings : DistanceSettings
        What is measured.
    path : Path or None
        Folder of the OME-Zarr; None keeps the maps in memory.
    overwrite : bool
        Whether a map that is there may be replaced.
    placement : mapping of str to object
        Rotation, shear and affine transform of the labels' layer.
    """

    volume: Volume
    names: Mapping[int, str]
    settings: DistanceSettings
    path: Path | None
    overwrite: bool
    placement: Mapping[str, Any]

    def run(self, on_event: OnEvent, control: Control) -> Maps:
        """Make the map and its layers."""
        labels = dataclasses.replace(self.volume, label_names=dict(self.names))
        if self.path is None:
            volume, classes, warnings = self._in_memory(labels, on_event, control)
        else:
            written = write_distance_map(
                labels, self.path, self.settings, overwrite=self.overwrite, on_event=on_event, control=control
            )
            volume, classes, warnings = written.volume, written.classes, written.warnings
        unit, path = common_unit(labels.units), None if self.path is None else str(self.path)
        convention, limit = self.settings.convention, self.settings.max_distance
        marks = [
            DistanceMark(name, value, unit, convention, limit, path)
            for name, value in zip(class_names(labels, classes), classes, strict=True)
        ]
        return Maps(distance_layers(volume, marks, self.placement), self.path, warnings)

    def _in_memory(
        self, labels: Volume, on_event: OnEvent, control: Control
    ) -> tuple[Volume, tuple[int, ...], tuple[str, ...]]:
        """Measure class after class, so that it can be watched and cancelled."""
        settings = self.settings
        self._check_memory(labels, len(settings.labels or (0,)))
        # a copy: what is painted meanwhile belongs to the next map
        array = read_labels(labels, Box((0,) * len(labels.shape), labels.shape)).copy()
        census = Census.of(count_labels(array, settings.labels), settings.labels, array.size)
        self._check_memory(labels, len(census.classes))
        maps = np.zeros((len(census.classes), *array.shape), np.float32)
        measure = settings.measure(labels)
        for done, i in enumerate(census.measured):
            control.checkpoint()
            maps[i] = signed_distances(array == census.classes[i], measure, settings.n_threads)
            on_event(Progress(done + 1, len(census.measured), {}))
        control.checkpoint()
        volume = open_volume(
            maps,
            axes=("c", *labels.spatial_axes),
            spacing=labels.spacing,
            units=labels.units,
            translation=labels.translation,
            name=f"{labels.name} distances",
        )
        return volume, census.classes, (*spacing_warnings(labels), *census.warnings)

    def _check_memory(self, labels: Volume, classes: int) -> None:
        needed = math.prod(labels.shape) * (labels.dtype.itemsize + 8 + 4 * classes)
        if needed > self.settings.budget_bytes:
            raise SettingsError(
                f"These maps need {text.size(needed)} in memory, and the memory budget is "
                f"{text.size(self.settings.budget_bytes)}; choose a folder to save them to."
            )
