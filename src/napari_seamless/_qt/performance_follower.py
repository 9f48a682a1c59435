"""Shows what a tracker measures while something else goes on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QObject, QTimer

from napari_seamless._napari.performance_layer import PerformanceLayer, Placement, place_beside
from napari_seamless._qt.worker import Worker
from napari_seamless.errors import NoPatchesError


class PerformanceFollower(QObject):
    """Looks at a tracker again and again, on a thread, and shows its map in a layer until that is removed.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layer with the first patch.
    tracker : TorchPatchPerformance, TensorflowPatchPerformance or PatchPerformance
        What is looked at.
    spacing : sequence of float or None
        Voxel size along the axes of the patch.
    seconds : float
        Between two looks.
    """

    def __init__(self, viewer: Any, tracker: Any, spacing: Sequence[float] | None, seconds: float) -> None:
        window = viewer.window._qt_window
        super().__init__(window)
        self._viewer, self._tracker, self._spacing = viewer, tracker, spacing
        self._map = PerformanceLayer(viewer)
        self._placement: Placement | None = None
        self._seen, self._busy = 0, False
        self._worker = Worker(self)
        self._timer = QTimer(self)
        self._timer.setInterval(max(1, round(1000 * seconds)))
        self._timer.timeout.connect(self._look)
        self._timer.start()
        self._window = window
        window.installEventFilter(self)
        self._look()

    @property
    def layer(self) -> Any:
        """The layer; None before the first patch."""
        return self._map.layer

    @property
    def following(self) -> bool:
        """Whether the tracker is still looked at."""
        return self._timer.isActive()

    def stop(self) -> None:
        """Look no more; the layer stays as it is."""
        self._timer.stop()
        self._window.removeEventFilter(self)
        self._worker.close()

    def eventFilter(self, _: QObject, event: QEvent) -> bool:
        """Stop with the window."""
        if event.type() == QEvent.Type.Hide and not event.spontaneous():
            self.stop()
        return False

    def _look(self) -> None:
        """Ask for the map where there are new patches; the tracker may wait for its device, so a thread asks."""
        if self.layer is not None and not self._map.is_there:
            self.stop()
            return
        seen = self._tracker.n_patches_seen
        if seen and seen != self._seen and not self._busy:
            self._busy = True
            self._worker.start(
                self._values,
                lambda values: self._show(seen, values),
                self._on_failed,
                name="follow",
            )

    def _values(self) -> np.ndarray:
        with warnings.catch_warnings():
            # a training that diverges is seen in the map
            warnings.simplefilter("ignore", UserWarning)
            return np.asarray(getattr(self._tracker, "performance", self._tracker).calculate_performance().cpu())

    def _show(self, seen: int, values: np.ndarray) -> None:
        self._busy = False
        if self.layer is not None and not self._map.is_there:
            return
        if self._placement is None or len(self._placement.axes) != values.ndim:
            self._placement = place_beside(self._viewer, values.shape, self._spacing)
        self._map.show(values, self._placement)
        self._seen = seen

    def _on_failed(self, error: Exception) -> None:
        """Look again where the tracker was reset meanwhile, and stop where the map cannot be had."""
        self._busy = False
        if not isinstance(error, NoPatchesError):
            self.stop()
            self._viewer.status = f"The patch performance is no longer followed: {error}"
