"""Measures where in the patch the network errs, and shows it, while patches are evaluated too."""

from __future__ import annotations

from typing import Any
from zipfile import is_zipfile

import numpy as np
from qtpy.QtCore import QObject, QTimer

from napari_seamless._napari.performance_layer import PerformanceLayer, right_of
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.rest import rest
from napari_seamless._qt.tuning.parts import TuningParts
from napari_seamless._qt.views.performance_view import PerformanceView
from napari_seamless._qt.views.profile_plot import profiles_of
from napari_seamless.engine.tuning import Candidate, Tuner
from napari_seamless.errors import SettingsError
from napari_seamless.models import load_performance
from napari_seamless.quality import PatchPerformance

MEASURE_MS = 700
LIVE_MS = 2000
"""Between two maps while patches are evaluated."""


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
        self._view, self._parts, self._tuning = view, parts, parts.tuning
        self._layer = PerformanceLayer(viewer)
        self._map: np.ndarray | None = None
        self._stored: np.ndarray | None = None
        self._key: Any = None
        self._busy = False
        self._soon = rest(self, MEASURE_MS, self._measure)
        self._live = QTimer(self)
        self._live.setInterval(LIVE_MS)
        self._live.timeout.connect(self._measure)
        view.map.toggled.connect(self._show_map)
        for name in ("candidate", "points", "tuner"):
            getattr(self._tuning.events, name).connect(self._on_change)
        parts.state.events.phase.connect(self._on_phase)
        parts.state.events.model.connect(self._on_model)
        parts.state.events.volume.connect(self._show)

    def close(self) -> None:
        """Drop what is waiting."""
        self._soon.stop()
        self._live.stop()

    def _on_model(self, *_: object) -> None:
        """Look into the network's file for the errors of its training."""
        model, self._stored = self._parts.state.model, None
        self._show()
        if model is not None and is_zipfile(model.spec.source or ""):  # as TorchScript files are
            self._parts.worker.start(
                lambda: stored_map(model.spec.source),
                lambda values: self._on_stored(model, values),
                lambda error: self._parts.state.say(sentence(error), "warning"),
                name="stored performance",
            )

    def _on_stored(self, model: Any, values: np.ndarray | None) -> None:
        if model is self._parts.state.model:
            self._stored = values
            self._show()

    def _on_phase(self, *_: object) -> None:
        """Measure from time to time while patches come in, and once more when all are there."""
        if self._parts.state.phase.busy:
            self._live.start()
        else:
            self._live.stop()
            self._on_change()

    def _on_change(self, *_: object) -> None:
        if self._tuning.tuner is None:
            self._map = self._key = None
            self._show()
        else:
            self._soon.start()

    def _measure(self) -> None:
        """Measure what is there, where it is not known yet.

        An error has nothing to do with overlap and window: all patches on the densest lattice count, where they are of
        the size that is looked at.
        """
        tuner, candidate = self._tuning.tuner, self._tuning.candidate
        if tuner is None or not self._can_measure(tuner):
            return
        if tuner.plan_size() == tuner.plan(candidate).patch_size:
            candidate = Candidate(candidate.patch_size, tuner.consensus.overlap)
        key = (tuner, candidate.patch_size, candidate.overlap, candidate.border, len(tuner.predictions))
        if key == self._key:
            return
        if self._busy:
            self._soon.start()
            return
        self._busy = True
        self._parts.worker.start(
            lambda: np.asarray(tuner.performance(candidate).calculate_performance().cpu()),
            lambda values: self._on_measured(tuner, key, values),
            lambda error: self._on_failed(tuner, error),
            name="performance",
        )

    def _can_measure(self, tuner: Tuner) -> bool:
        """Return whether there is something to compare with; a consensus needs the densest pass."""
        if tuner.has_reference:
            return True
        if self._parts.state.phase.busy:
            self._view.set_remark("comes with the consensus")
        return False

    def _on_measured(self, tuner: Tuner, key: Any, values: np.ndarray) -> None:
        self._busy = False
        if tuner is self._tuning.tuner:
            self._map, self._key = values, key
            self._show()

    def _on_failed(self, tuner: Tuner, error: Exception) -> None:
        self._busy = False
        # while patches come in, those of this setting may not be among them yet
        coming = isinstance(error, SettingsError) and self._parts.state.phase.busy
        if tuner is self._tuning.tuner and not coming:
            self._parts.state.say(sentence(error), "error")

    def _show(self, *_: object) -> None:
        values, tuner, volume = self._shown(), self._tuning.tuner, self._parts.state.volume
        if values is None or volume is None:
            self._view.profiles.show_profiles({})
            self._view.set_remark("")
        else:
            self._view.profiles.show_profiles(profiles_of(values, volume.spatial_axes))
            measured = "error rate" if tuner is not None and tuner.has_truth else "disagreement (proxy)"
            self._view.set_remark(measured if self._map is not None else "from its training")
        self._show_map()

    def _shown(self) -> np.ndarray | None:
        """Return what was measured here or, before that, what the network's training measured."""
        values, volume = self._stored if self._map is None else self._map, self._parts.state.volume
        fits = values is not None and volume is not None and values.ndim == len(volume.spatial_axes)
        return values if fits else None

    def _show_map(self, *_: object) -> None:
        """Show the layer, or remove it."""
        tuner, volume, values = self._tuning.tuner, self._parts.state.volume, self._shown()
        if volume is None or values is None or not self._view.map.isChecked():
            self._layer.remove()
        else:
            start = (0,) * values.ndim if tuner is None else tuner.region.start
            self._layer.show(values, right_of(volume, start))


def stored_map(path: str) -> np.ndarray | None:
    """Return the mean error by the coordinate in the patch that a network's file holds, or None."""
    state = load_performance(path)
    if state is None:
        return None
    performance = PatchPerformance(state["measure"])
    performance.load_state_dict(state)
    return np.asarray(performance.calculate_performance())
