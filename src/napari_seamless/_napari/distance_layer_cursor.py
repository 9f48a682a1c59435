"""The measuring tool: the distance at the cursor, read in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from napari_seamless._napari.distance_layer_marks import mark_of
from napari_seamless._napari.distance_layer_place import Point, Sight, voxel_at
from napari_seamless._napari.distance_layers import DistanceMark

NO_MAP = "no distance map yet"
NOT_HERE = "outside the map"
NO_LABELS = "in 3D, on the surface of a visible labels layer"
PATIENCE = 0.005
"""Seconds to wait for a value: what is in memory is shown at once, a chunk on a disk when it has come."""


class Reader(Protocol):
    """What runs a function on a thread and hands its result to the main thread."""

    def start(
        self,
        work: Callable[[], Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Exception], None],
        name: str = ...,
        patience: float = ...,
    ) -> None:
        """Run `work`."""


class DistanceCursor:
    """Follows the cursor, and tells the distance there; at most one value is read at a time.

    Parameters
    ----------
    viewer : napari.Viewer
        Its active or topmost visible distance layer is asked.
    reader : Reader
        Reads values on a thread.
    on_distance : callable
        Called with a mark and a distance; with None and why there is none.
    """

    def __init__(self, viewer: Any, reader: Reader, on_distance: Callable[..., None]) -> None:
        self._viewer, self._reader, self._tell = viewer, reader, on_distance
        self._on = self._busy = self._again = False
        self._sight: Sight | None = None
        layers = viewer.layers.events
        self._events = (
            *(viewer.dims.events.point, viewer.dims.events.ndisplay),
            *(layers.inserted, layers.removed, viewer.layers.selection.events.active),
        )

    def turn(self, *, on: bool) -> None:
        """Follow the cursor, or stop."""
        if on == self._on:
            return
        self._on = on
        moves = self._viewer.mouse_move_callbacks
        for event in self._events:
            if on:
                event.connect(self.ask)
            else:
                event.disconnect(self.ask)
        if on:
            moves.append(self._on_move)
            self.ask()
        elif self._on_move in moves:
            moves.remove(self._on_move)

    def ask(self, *_: object) -> None:
        """Read the distance where the cursor is now, or as soon as the value that is being read has come."""
        if not self._on:
            return
        if self._busy:
            self._again = True
            return
        found = map_in_sight(self._viewer)
        if found is None or self._sight is None:
            self._tell(None, NO_MAP if found is None else NOT_HERE)
        elif self._viewer.dims.ndisplay == 2:
            self._read(*found, self._sight.point(self._viewer))
        else:
            self._search(*found, self._sight)

    def _on_move(self, _: Any, event: Any) -> None:
        direction = getattr(event, "view_direction", None)
        self._sight = Sight(event.position, direction, tuple(self._viewer.dims.displayed))
        self.ask()

    def _search(self, layer: Any, mark: DistanceMark, sight: Sight) -> None:
        """Find the surface under the cursor in 3D, then read there."""
        labels = next((shown for shown in reversed(self._viewer.layers) if _shows_labels(shown)), None)
        if labels is None:
            self._tell(None, NO_LABELS)
            return

        def on_found(voxel: Any) -> None:
            self._busy = False
            if voxel is None:
                self._end(None, NOT_HERE)
            elif self._on:
                self._read(layer, mark, np.asarray(labels.data_to_world(voxel)))

        self._busy, self._again = True, False
        ray = sight.ray(self._viewer, labels)
        self._reader.start(ray.first_label, on_found, self._on_failed, name="surface", patience=PATIENCE)

    def _read(self, layer: Any, mark: DistanceMark, point: Point) -> None:
        """Read one voxel, which decodes the chunk that holds it."""
        index = voxel_at(self._viewer, layer, point)
        if index is None:
            self._end(None, NOT_HERE)
            return
        finest = layer.data[0] if layer.multiscale else layer.data
        self._busy = True
        self._reader.start(
            lambda: float(np.asarray(finest[index])),
            lambda distance: self._end(mark, distance),
            self._on_failed,
            name="distance",
            patience=PATIENCE,
        )

    def _on_failed(self, error: Exception) -> None:
        self._end(None, f"cannot be read: {error}")

    def _end(self, *told: Any) -> None:
        self._busy = False
        if self._on:
            self._tell(*told)
            if self._again:
                self._again = False
                self.ask()


def map_in_sight(viewer: Any) -> tuple[Any, DistanceMark] | None:
    """Return the active distance layer, else the topmost visible one, else the topmost one."""
    found = [(layer, mark) for layer in viewer.layers if (mark := mark_of(layer)) is not None]
    active = hash(viewer.layers.selection.active)
    ranked = [pair for pair in found if hash(pair[0]) == active] or [pair for pair in found if pair[0].visible] or found
    return ranked[-1] if ranked else None


def _shows_labels(layer: Any) -> bool:
    return bool(layer.visible) and hasattr(layer, "selected_label")
