"""Fills the table, and goes to the surface that is clicked."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_seamless._napari.surface_layer_place import look_at
from napari_seamless._napari.tuning_layers import is_there
from napari_seamless._qt.mesh.job import counted
from napari_seamless._qt.mesh.kinds import is_labels
from napari_seamless._qt.mesh.make_controller import MakeController
from napari_seamless._qt.mesh.state import Made, MeshParts
from napari_seamless._qt.mesh.table_view import TableView


class TableController:
    """Between `TableView`, the surfaces and the viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        Its sliders and camera follow the table.
    view, make, parts
        The step's widget, who knows the layer of the surfaces, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: TableView, make: MakeController, parts: MeshParts) -> None:
        self._viewer, self._view, self._make, self._state = viewer, view, make, parts.state
        view.surface_chosen.connect(self._go_to)
        parts.state.events.made.connect(self._show)

    def _show(self, *_: object) -> None:
        made = self._state.made
        if made is not None:
            self._view.show_surfaces(made.surfaces, made.unit)
            self._view.set_remark(counted(len(made.surfaces)))

    def _go_to(self, number: int) -> None:
        made = self._state.made
        if made is None:
            return
        one = made.surfaces[number]
        if is_there(self._viewer, made.source) and is_labels(made.source):
            made.source.selected_label = one.surface.label
        layer = self._make.layer
        if layer is not None and is_there(self._viewer, layer):
            look_at(self._viewer, layer, one.measures.centroid)
        elif is_there(self._viewer, made.source):
            look_at(self._viewer, made.source, _voxel(made, one.measures.centroid))


def _voxel(made: Made, point: tuple[float, ...]) -> list[float]:
    volume = made.volume
    voxel: list[float] = ((np.array(point) - volume.translation) / volume.spacing).tolist()
    return voxel
