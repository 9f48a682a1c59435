"""Shows where in the patch the network errs on what is painted, while it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QObject

from napari_seamless._napari.in_sight import to_voxels
from napari_seamless._napari.performance_layer import PerformanceLayer, Placement, right_of
from napari_seamless._qt.correcting.parts import CorrectingParts
from napari_seamless._qt.views.performance_view import PerformanceView
from napari_seamless._qt.views.profile_plot import profiles_of


class ErrorsController(QObject):
    """Between `PerformanceView`, the state and the layer of the map.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layer.
    view, parts
        The widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: PerformanceView, parts: CorrectingParts) -> None:
        super().__init__(view)
        self._viewer, self._view, self._parts = viewer, view, parts
        self._layer = PerformanceLayer(viewer)
        self._placement: Placement | None = None
        view.map.toggled.connect(self._show_map)
        parts.correcting.events.performance.connect(self._show)

    def _show(self, *_: object) -> None:
        session, values = self._parts.correcting.session, self._parts.correcting.performance
        known = session is not None and values is not None and not np.isnan(values).all()
        self._view.profiles.show_profiles(profiles_of(values, session.volume.spatial_axes) if known else {})
        self._view.set_remark("on paint" if known else "")
        self._show_map()

    def _show_map(self, *_: object) -> None:
        """Show the layer, or remove it."""
        session, values = self._parts.correcting.session, self._parts.correcting.performance
        if session is None or values is None or not self._view.map.isChecked():
            self._layer.remove()
            return
        if not self._layer.is_there or self._placement is None:
            self._placement = right_of(session.volume, self._start(values.shape))
        self._layer.show(values, self._placement)

    def _start(self, shape: tuple[int, ...]) -> list[int]:
        """Return where the map begins so that the slice in sight goes through its middle."""
        layer, n = self._parts.state.layer, len(shape)
        point = None if layer is None else to_voxels(self._viewer, layer, self._viewer.dims.point)
        if point is None:
            return [0] * n
        shown = {axis - self._viewer.dims.ndim for axis in self._viewer.dims.displayed}
        return [
            0 if axis - n in shown else round(float(here)) - size // 2
            for axis, (here, size) in enumerate(zip(point[-n:], shape, strict=True))
        ]
