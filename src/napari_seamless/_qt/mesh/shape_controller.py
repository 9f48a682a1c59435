"""Turns what is chosen into settings."""

from __future__ import annotations

from typing import Any

from napari_seamless._napari.distance_layer_marks import common_unit
from napari_seamless._qt.mesh.detail import max_error
from napari_seamless._qt.mesh.numbers import length, number, symbol, whole_number
from napari_seamless._qt.mesh.shape_view import SMOOTHING, ShapeView
from napari_seamless._qt.mesh.source_controller import SourceController
from napari_seamless._qt.mesh.state import MeshParts
from napari_seamless.engine.mesh import MeshSettings


class ShapeController:
    """Between `ShapeView`, the labels that were chosen, and those who need settings.

    Parameters
    ----------
    view, source, parts
        The step's widget, who knows the labels, and what the controllers share.
    """

    def __init__(self, view: ShapeView, source: SourceController, parts: MeshParts) -> None:
        self._view, self._source, self._state = view, source, parts.state
        view.changed.connect(self._show)
        parts.state.events.volume.connect(self._show)
        parts.state.events.kind.connect(self._on_kind)
        self._show()
        self._on_kind()

    def settings(self, **more: Any) -> MeshSettings:
        """Return the settings of what is chosen.

        Raises
        ------
        SettingsError
            Something that was typed makes no sense.
        """
        view, state = self._view, self._state
        chosen: dict[str, Any] = {
            "labels": self._source.labels(),
            "kind": state.kind,
            "level": self._source.level(),
            "smoothing": view.smoothing.value(),
            "max_error": max_error(view.detail.value(), self._voxel()),
            "triangles": whole_number(view.triangles.text(), "Triangles", "a whole number of at least 4"),
            "min_volume": number(view.volume.text(), "Drop parts", "a volume of at least 0") or 0.0,
            "fill_cavities": view.fill.isChecked(),
            "closed": view.closed.isChecked(),
        }
        return MeshSettings(**chosen | more)

    def _voxel(self) -> float:
        """Return the size that the slider counts in: the smallest one of a voxel."""
        volume = self._state.volume
        return 1.0 if volume is None or not volume.spacing else min(volume.spacing)

    def _show(self, *_: object) -> None:
        volume = self._state.volume
        unit = None if volume is None else common_unit(volume.units)
        error = max_error(self._view.detail.value(), self._voxel())
        self._view.show_error("all triangles" if error is None else f"≤ {length(error, unit)}")
        self._view.show_unit(symbol(unit, 3))

    def _on_kind(self, *_: object) -> None:
        self._view.show_smoothing(SMOOTHING if self._state.kind == "labels" else 0)
