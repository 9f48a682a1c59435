"""Step 3: quality against time, and where the time goes."""

from __future__ import annotations

from collections.abc import Sequence

from napari_seamless._qt.tuning.curve_plot import CurvePlot
from napari_seamless._qt.views.step import Step, label
from napari_seamless._qt.views.timing_bar import TimingBars
from napari_seamless.engine.tuning import Advice, Candidate, Point


class CurveView(Step):
    """The curve, and below it the predicted work by stage of the setting that is looked at."""

    def __init__(self) -> None:
        super().__init__(3, "Curve", "One dot per setting; click one to look at it.")
        self.curve = CurvePlot()
        self.stages = label("Predicted work of a run over the whole volume", "muted")
        self.timings = TimingBars()
        self.timings.setObjectName("tuneTimings")
        self.body.addWidget(self.curve)
        self.body.addWidget(self.stages)
        self.body.addWidget(self.timings)
        self.stages.setVisible(False)

    def show_points(self, points: Sequence[Point], advice: Advice[Point] | None, current: Candidate) -> None:
        """Show these settings, the recommendation among them, and the stages of the current one."""
        self.curve.show_points(points, advice, current)
        self.set_remark(f"{len(points)} settings" if points else "")
        point = next((known for known in points if known.candidate == current), None)
        self.stages.setVisible(point is not None)
        self.timings.show_timings({} if point is None else point.stages)
