"""The mode of the dock for OSS-Net: shows its settings in place of those of patches."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QWidget

from napari_seamless._qt.controllers.sight_controller import SightController
from napari_seamless._qt.occupancy.compare_controller import CompareController
from napari_seamless._qt.occupancy.compare_view import CompareView
from napari_seamless._qt.occupancy.run_controller import OccupancyRunController
from napari_seamless._qt.occupancy.view import OccupancyView
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.views.run_view import RunView


class OccupancyMode:
    """Views and controllers that act while an OSS-Net is chosen, and the table of results.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the result.
    tiling_view, run_view : QWidget, RunView
        Step 3, which it takes the place of, and step 4, which it shares.
    parts : Parts
        What the controllers share.
    sight : SightController
        Tells a run what is looked at.
    """

    def __init__(
        self, viewer: Any, tiling_view: QWidget, run_view: RunView, parts: Parts, sight: SightController
    ) -> None:
        self.view, self.compare_view = OccupancyView(), CompareView()
        self._tiling_view, self._run_view, self._state = tiling_view, run_view, parts.state
        self.compare = CompareController(viewer, self.compare_view, parts)
        self.run = OccupancyRunController(viewer, (self.view, run_view), parts, sight, self.compare)
        parts.state.events.occupancy.connect(self._show)
        self._show()

    def add_patch_result(self, result: Any, name: str, layers: list[Any]) -> None:
        """Take a result of a network that was run on patches."""
        if layers and result.volume.is_labels:
            self.compare.add(f"patches {name}", result.timings["total"], layers[0])

    def close(self) -> None:
        """Cancel a run, and stop listening."""
        self.run.close()
        self.compare.close()

    def _show(self, *_: object) -> None:
        network = self._state.occupancy
        self.view.setVisible(network is not None)
        self._tiling_view.setVisible(network is None)
        self._run_view.tiles.setVisible(network is None)
        if network is not None:
            settings = network.settings
            self.view.set_remark(settings.name)
            trained = settings.large_patch_pooling if settings.large_patches else None
            self.view.show_network(has_head=settings.has_head, trained=trained)
