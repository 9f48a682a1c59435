"""Step 4: where in the patch the network errs."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox

from napari_seamless._qt.tuning.profile_plot import ProfilePlot
from napari_seamless._qt.views.step import Step


class PerformanceView(Step):
    """Profiles of the error along each axis of the patch, and a box that shows the map as a layer."""

    def __init__(self) -> None:
        super().__init__(4, "Errors in the patch", "Mean error by the coordinate in the patch, before blending.")
        self.map = QCheckBox("Map")
        self.map.setObjectName("performanceMap")
        self.map.setToolTip("Show the mean error at each voxel of a patch as a layer to the right of the image.")
        self.header.addWidget(self.map)
        self.profiles = ProfilePlot()
        self.body.addWidget(self.profiles)
