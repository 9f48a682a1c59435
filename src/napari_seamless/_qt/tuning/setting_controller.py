"""Keeps slider, lists, curve and figures at the setting that is looked at, and hands it on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer

from napari_seamless._qt import text
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.tuning.curve_view import CurveView
from napari_seamless._qt.tuning.parts import TuningParts
from napari_seamless._qt.tuning.setting_view import SettingView
from napari_seamless.engine.tuning import Candidate
from napari_seamless.errors import SeamlessError


class SettingController(QObject):
    """Between `SettingView`, `CurveView` and the state.

    Parameters
    ----------
    view, curve_view, parts
        The widgets, and what the controllers share.
    segment_dock : callable
        Returns the dock that segments the volume, opened where it is not.
    """

    def __init__(
        self, view: SettingView, curve_view: CurveView, parts: TuningParts, segment_dock: Callable[[], Any]
    ) -> None:
        super().__init__(view)
        self._view, self._curve_view, self._parts = view, curve_view, parts
        self._tuning, self._segment_dock = parts.tuning, segment_dock
        view.changed.connect(lambda: self.apply(view.candidate()))
        view.use_asked.connect(self.use)
        curve_view.curve.chosen.connect(self.apply)
        for name in ("candidate", "points", "tuner", "kept"):
            getattr(self._tuning.events, name).connect(self._show)
        parts.state.events.volume.connect(self._on_volume)
        parts.state.events.model.connect(self._on_model)
        self._on_volume()
        self._show()

    def apply(self, candidate: Candidate) -> None:
        """Look at a setting."""
        self._tuning.candidate = candidate

    def use(self) -> None:
        """Hand patch size, overlap, border mode and window to the dock that segments, with volume and network."""
        candidate, state = self._tuning.candidate, self._parts.state
        try:
            dock = self._segment_dock()
            if dock.state.phase.busy:
                state.say("A run is under way; use the settings when it has ended.", "warning")
                return
            if state.layer is not None and dock.state.layer != state.layer:
                dock.choose(layer=state.layer)
            values = _values(candidate)
            if dock.state.model is None:
                _change_once_loaded(dock, values)
                dock.choose(model=state.model)
            dock.state.change(**values)
        except (SeamlessError, ValueError, RuntimeError) as error:
            state.say(sentence(error), "error")
            return
        state.say(f"{candidate.words} is what the next run uses.", "done")

    def _on_volume(self, *_: object) -> None:
        volume = self._parts.state.volume
        if volume is not None:
            self._view.patch.set_axes(volume.spatial_axes)
            self.apply(self._view.candidate())

    def _on_model(self, *_: object) -> None:
        """Take the patch size that a network was trained with."""
        model = self._parts.state.model
        if model is not None and model.spec.patch_size is not None:
            candidate = self._tuning.candidate
            self.apply(Candidate(model.spec.patch_size, candidate.overlap, candidate.border, candidate.window))

    def _show(self, *_: object) -> None:
        tuning, point = self._tuning, self._tuning.point()
        self._view.show_candidate(tuning.candidate)
        self._view.show_ready(ready=tuning.tuner is not None, kept=tuning.kept is not None)
        self._curve_view.show_points(tuning.points, tuning.advice, tuning.candidate)
        if point is None:
            self._view.show_figures({})
            return
        seam = "–" if point.seam_energy is None else f"{point.seam_energy:.4f}"
        self._view.show_figures(
            {
                "dice": f"{point.dice:.4f}",
                "time": f"~ {text.rough(point.seconds)}",
                "patches": f"{point.patches:,}".replace(",", " "),
                "seam": seam,
            }
        )


def _values(candidate: Candidate) -> dict[str, Any]:
    """Return the fields of the settings of a run that a setting fixes."""
    sizes, window = candidate.patch_size, candidate.shape
    return {
        "patch_size": sizes[0] if len(set(sizes)) == 1 else sizes,
        "overlap": candidate.overlap,
        "border": candidate.border,
        "window": window.kind,
        "window_sigma": window.sigma,
    }


def _change_once_loaded(dock: Any, values: dict[str, Any]) -> None:
    """Change settings after the next network was loaded, which brings its own patch size."""

    def on_model(*_: object) -> None:
        dock.state.events.model.disconnect(on_model)
        QTimer.singleShot(0, lambda: dock.state.change(**values))

    dock.state.events.model.connect(on_model)
