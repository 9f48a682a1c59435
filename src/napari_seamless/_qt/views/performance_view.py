"""A step that shows where in the patch the network errs."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox

from napari_seamless._qt.views.profile_plot import ProfilePlot
from napari_seamless._qt.views.step import Step


class PerformanceView(Step):
    """Profiles of the error along each axis of the patch, and a box that shows the map as a layer.

    Parameters
    ----------
    number : int
        Of the step.
    tooltip : str
        What the errors are.
    empty : str
        What is said while there is nothing to draw.
    """

    def __init__(self, number: int, tooltip: str, empty: str) -> None:
        super().__init__(number, "Errors in the patch", tooltip)
        self.map = QCheckBox("Map")
        self.map.setObjectName("performanceMap")
        self.map.setToolTip("Show the mean error at each voxel of a patch as a layer to the right of the image.")
        self.header.addWidget(self.map)
        self.profiles = ProfilePlot(empty)
        self.body.addWidget(self.profiles)
