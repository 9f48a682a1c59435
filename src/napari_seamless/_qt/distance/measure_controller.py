"""Shows the distance at the cursor, and opens maps that were saved."""

from __future__ import annotations

from typing import Any

from napari_seamless._napari.distance_layer_cursor import DistanceCursor
from napari_seamless._napari.distance_layer_marks import open_map
from napari_seamless._napari.distance_layers import DistanceMark, add_distance_layers, distance_layers
from napari_seamless._qt.distance.measure_view import MeasureView
from napari_seamless._qt.distance.reading import reading
from napari_seamless._qt.distance.state import DistanceParts
from napari_seamless._qt.reasons import sentence

FONT_SIZE = 12


class MeasureController:
    """Between `MeasureView`, the measuring tool and the viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        Its canvas shows the distance too.
    view, parts
        The step's widget, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: MeasureView, parts: DistanceParts) -> None:
        self._viewer, self._view, self._state, self._worker = viewer, view, parts.state, parts.worker
        self._cursor = DistanceCursor(viewer, parts.worker, self._show)
        self._before: dict[str, Any] | None = None
        view.tool_turned.connect(self._turn)
        view.map_chosen.connect(self.open)

    def open(self, path: str) -> None:
        """Open a saved map on a thread."""

        def work() -> Any:
            return distance_layers(*open_map(path))

        self._worker.start(
            work,
            lambda layers: add_distance_layers(self._viewer, layers),
            lambda error: self._state.say(sentence(error), "error"),
            name="open map",
        )

    def close(self) -> None:
        """Let go of the viewer, and give the canvas its text back."""
        self._turn(False)

    def _turn(self, on: bool) -> None:
        overlay = self._viewer.canvas.overlays.text
        names = ("text", "visible", "font_size", "box", "position")
        if on and self._before is None:
            self._before = {name: getattr(overlay, name) for name in names}
            overlay.font_size, overlay.box, overlay.position = FONT_SIZE, True, "top_left"
        self._cursor.turn(on=on)
        if not on and self._before is not None:
            for name, value in self._before.items():
                setattr(overlay, name, value)
            self._before = None

    def _show(self, mark: DistanceMark | None, told: Any) -> None:
        overlay = self._viewer.canvas.overlays.text
        words = told if mark is None else reading(mark, told)
        self._view.show_reading(words)
        overlay.text, overlay.visible = words, mark is not None
