"""Measures where in the patch the network errs, and shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QObject

from napari_seamless._napari.layers import image_layer
from napari_seamless._napari.tuning_layers import add_layer, region_volume, remove_layer
from napari_seamless._qt.rest import rest
from napari_seamless._qt.tuning.parts import TuningParts, sentence
from napari_seamless._qt.tuning.performance_view import PerformanceView
from napari_seamless.engine.tuning import Tuner
from napari_seamless.types import Box

MEASURE_MS = 700
GAP = 0.05
"""Part of the volume's width between the image and the map."""


class PerformanceController(QObject):
    """Between `PerformanceView`, the state and the layer of the map.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layer.
    view, parts
        The widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: PerformanceView, parts: TuningParts) -> None:
        super().__init__(view)
        self._viewer, self._view, self._parts, self._tuning = viewer, view, parts, parts.tuning
        self.layer: Any = None
        self._map: np.ndarray | None = None
        self._key: Any = None
        self._busy = False
        self._soon = rest(self, MEASURE_MS, self._measure)
        view.map.toggled.connect(self._show_map)
        for name in ("candidate", "points", "tuner"):
            getattr(self._tuning.events, name).connect(self._on_change)
        parts.state.events.phase.connect(self._on_change)

    def close(self) -> None:
        """Drop what is waiting."""
        self._soon.stop()

    def _on_change(self, *_: object) -> None:
        if self._tuning.tuner is None:
            self._map = self._key = None
            self._show()
        else:
            self._soon.start()

    def _measure(self) -> None:
        """Measure when nothing else is going on; the window of a setting does not matter."""
        tuner, candidate = self._tuning.tuner, self._tuning.candidate
        if tuner is None or self._parts.state.phase.busy or not self._tuning.points:
            return
        key = (tuner, candidate.patch_size, candidate.overlap, candidate.border)
        if key == self._key:
            return
        if self._busy:
            self._soon.start()
            return
        self._busy = True
        self._parts.worker.start(
            lambda: np.asarray(tuner.performance(candidate).calculate_performance().cpu()),
            lambda values: self._on_measured(tuner, key, values),
            self._on_failed,
            name="performance",
        )

    def _on_measured(self, tuner: Tuner, key: Any, values: np.ndarray) -> None:
        self._busy = False
        if tuner is self._tuning.tuner:
            self._map, self._key = values.astype(np.float32), key
            self._show()

    def _on_failed(self, error: Exception) -> None:
        self._busy = False
        self._parts.state.say(sentence(error), "error")

    def _show(self) -> None:
        values, tuner = self._map, self._tuning.tuner
        if values is None or tuner is None:
            self._view.profiles.show_profiles({})
            self._view.set_remark("")
        else:
            axes = range(values.ndim)
            profiles = {
                name: np.nanmean(values, axis=tuple(other for other in axes if other != axis))
                for axis, name in enumerate(tuner.volume.spatial_axes)
            }
            self._view.profiles.show_profiles(profiles)
            self._view.set_remark("error rate" if tuner.has_truth else "disagreement (proxy)")
        self._show_map()

    def _show_map(self, *_: object) -> None:
        """Show, replace or remove the layer."""
        if self.layer is not None:
            remove_layer(self._viewer, self.layer)
            self.layer = None
        tuner, values = self._tuning.tuner, self._map
        if tuner is None or values is None or not self._view.map.isChecked():
            return
        start = list(tuner.region.start)
        start[-1] = round(tuner.volume.spatial_shape[-1] * (1 + GAP))
        box = Box(tuple(start), tuple(s + n for s, n in zip(start, values.shape, strict=True)))
        volume = region_volume(tuner.volume, box, np.nan_to_num(values), "patch performance")
        limits = (0.0, max(float(np.nanmax(values)), 1e-6))
        self.layer = add_layer(self._viewer, image_layer(volume, colormap="inferno", contrast_limits=limits))
