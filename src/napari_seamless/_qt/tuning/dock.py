"""The tuning dock: makes views, state and controllers, and takes everything down again."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtWidgets import QVBoxLayout

from napari_seamless._qt.any_dock import AnyDock, plot_colors
from napari_seamless._qt.controllers.network_controller import NetworkController
from napari_seamless._qt.controllers.region_controller import RegionController
from napari_seamless._qt.controllers.volume_controller import VolumeController
from napari_seamless._qt.core import Core, installed_core
from napari_seamless._qt.dock import SegmentDock, find_segment_dock
from napari_seamless._qt.state import WindowState
from napari_seamless._qt.theme import Palette
from napari_seamless._qt.tuning.compare_controller import CompareController
from napari_seamless._qt.tuning.curve_view import CurveView
from napari_seamless._qt.tuning.evaluate_view import EvaluateView
from napari_seamless._qt.tuning.evaluation_controller import EvaluationController
from napari_seamless._qt.tuning.grid_controller import GridController
from napari_seamless._qt.tuning.live_controller import LiveController
from napari_seamless._qt.tuning.parts import TuningParts
from napari_seamless._qt.tuning.performance_controller import PerformanceController
from napari_seamless._qt.tuning.setting_controller import SettingController
from napari_seamless._qt.tuning.setting_view import SettingView
from napari_seamless._qt.tuning.source_view import SourceView
from napari_seamless._qt.tuning.state import TuningState
from napari_seamless._qt.tuning.truth_controller import TruthController
from napari_seamless._qt.views.performance_view import PerformanceView
from napari_seamless._qt.views.step_column import StepColumn
from napari_seamless._qt.worker import Worker


class TuneDock(AnyDock):
    """See what overlap, border mode and window do on a region, and what they cost.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose layers are offered and which gets result and seam map.
    core : Core or None
        The functions of the core; None takes this package's own.
    """

    def __init__(self, napari_viewer: napari.Viewer, *, core: Core | None = None) -> None:
        super().__init__(napari_viewer, "tuneDock")
        self.state, self.tuning, self.worker = WindowState(), TuningState(), Worker(self)
        self.parts = parts = TuningParts(self.state, self.tuning, self.worker, core or installed_core())
        self.source_view, self.setting_view = SourceView(), SettingView()
        self.evaluate_view, self.curve_view = EvaluateView(), CurveView()
        self.performance_view = PerformanceView(
            4, "Mean error by the coordinate in the patch, before blending.", "Known after Evaluate."
        )
        self.source_view.body.addWidget(self.evaluate_view)
        self.evaluation = EvaluationController(napari_viewer, self.evaluate_view, parts)
        self.live = LiveController(napari_viewer, parts, self)
        self.setting = SettingController(self.setting_view, self.curve_view, parts, self.segment_dock)
        self.compare = CompareController(napari_viewer, self.setting_view, parts, self.live)
        self.grid = GridController(napari_viewer, self.setting_view, parts)
        self.performance = PerformanceController(napari_viewer, self.performance_view, parts)
        self.truth = TruthController(napari_viewer, self.source_view, parts)
        self.network = NetworkController(self.source_view, parts.plain)
        self.region = RegionController(napari_viewer, self.source_view.region, parts.plain)
        self.volume = VolumeController(napari_viewer, self.source_view, parts.plain)
        self._lay_out()
        self._begin(_Closing(self))

    def choose(self, *, layer: Any = None, model: Any = None, truth: Any = None, region: str | None = None) -> None:
        """Make the choices that a person would make by hand; the network is loaded in the background."""
        if layer is not None:
            self.volume.choose(layer)
        if truth is not None:
            self.tuning.truth = truth
        if region is not None:
            self.state.change(region=region)
        if model is not None:
            self.network.choose(model)

    def segment_dock(self) -> SegmentDock:
        """Return the dock that segments the volume; opens it where it is not."""
        return find_segment_dock(self, self.viewer)

    def _end(self) -> None:
        """Cancel, wait for the threads, and remove what lies on disk."""
        self.evaluation.close()
        self.live.close()
        self.compare.close()
        self.grid.close()
        self.performance.close()
        self.truth.close()
        self.region.close()
        self.volume.close()
        self.worker.close()
        if self.tuning.tuner is not None:
            self.tuning.tuner.close()

    def _lay_out(self) -> None:
        steps = (self.source_view, self.setting_view, self.curve_view, self.performance_view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.addWidget(StepColumn(steps))

    def _color(self, colors: Palette) -> None:
        plots = plot_colors(colors)
        self.evaluate_view.progress.set_colors(colors.accent, colors.field)
        self.curve_view.timings.set_colors(plots)
        self.curve_view.curve.set_colors(plots)
        self.performance_view.profiles.set_colors(plots)


class _Closing:
    """Ends what a dock started when Qt destroys the dock, without keeping the dock alive."""

    def __init__(self, dock: TuneDock) -> None:
        self._evaluation, self._worker, self._tuning = dock.evaluation, dock.worker, dock.tuning

    def __call__(self, *_: object) -> None:
        self._worker.close()
        if self._tuning.tuner is not None:
            self._tuning.tuner.close()
