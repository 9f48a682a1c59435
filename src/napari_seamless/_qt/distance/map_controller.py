"""Computes maps in the background and puts them into the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_seamless._napari.distance_layer_marks import common_unit
from napari_seamless._napari.distance_layers import add_distance_layers
from napari_seamless._qt import text
from napari_seamless._qt.controllers.clock import RunClock
from napari_seamless._qt.distance.job import DistanceJob, Maps
from napari_seamless._qt.distance.labels_controller import LabelsController
from napari_seamless._qt.distance.map_view import MapView
from napari_seamless._qt.distance.place import beside
from napari_seamless._qt.distance.state import DistanceParts
from napari_seamless._qt.edit_watch import EditWatch
from napari_seamless._qt.pacing import paced
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.state import Phase
from napari_seamless.engine.control import Control
from napari_seamless.engine.distance import DistanceSettings
from napari_seamless.engine.events import Progress
from napari_seamless.errors import OutputExistsError, RunCancelledError, SeamlessError, SettingsError

_EDITED = "The labels were edited since; the map is of the labels as they were. Compute again to follow."


class MapController:
    """Between `MapView`, the core and the viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layers.
    view, labels, parts
        The step's widget, who knows the classes, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: MapView, labels: LabelsController, parts: DistanceParts) -> None:
        self._viewer, self._view, self._labels = viewer, view, labels
        self._state, self._worker = parts.state, parts.worker
        self._control: Control | None = None
        self._clock = RunClock()
        self._edits = EditWatch(self._on_edit)
        view.compute_asked.connect(self.compute)
        view.cancel_asked.connect(self.cancel)
        view.save.path_changed.connect(self._show_taken)
        events = parts.state.events
        events.message.connect(view.show_message)
        events.phase.connect(self._show_phase)
        events.volume.connect(self._on_volume)
        self._view.show_message(parts.state.message)
        self._on_volume()

    def compute(self) -> None:
        """Start, unless something is under way or a choice is refused."""
        state = self._state
        if state.phase.busy or state.volume is None:
            return
        try:
            job = self._job()
        except SeamlessError as error:
            state.say(str(error), "error")
            return
        self._control, self._clock = Control(), RunClock()
        self._edits.follow(state.layer)
        state.phase = Phase.RUNNING
        state.say("Computing …")
        self._view.show_progress(0, 1, "")
        control, on_event = self._control, self._listener()
        self._worker.start(lambda: job.run(on_event, control), self._on_done, self._on_failed, name="distance maps")

    def cancel(self) -> None:
        """Ask the work to end."""
        if self._control is not None and self._state.phase is Phase.RUNNING:
            self._control.cancel()
            self._state.phase = Phase.STOPPING
            self._state.say("Stopping …")

    def close(self) -> None:
        """Cancel, and let go of the labels."""
        if self._control is not None:
            self._control.cancel()
        self._edits.follow(None)

    def _job(self) -> DistanceJob:
        state, view = self._state, self._view
        place, overwrite = view.save.path.text().strip(), view.save.overwrite.isChecked()
        path = Path(place).expanduser() if place else None
        if path is not None and path.exists() and not overwrite:
            self._show_taken()
            raise OutputExistsError(f"{path} exists already; tick Overwrite to replace it, or choose another place.")
        settings = DistanceSettings(
            classes=self._labels.classes(),
            convention=view.convention.currentData(),
            max_distance=_distance(view.limit.text()),
            memory_budget=view.memory.text().strip() or None,
        )
        names = {value: name for value, name in state.names.items() if name}
        return DistanceJob(
            volume=state.volume,
            names=names,
            settings=settings,
            path=path,
            overwrite=overwrite,
            placement=_placement(state.layer, len(state.volume.spatial_axes)),
        )

    def _listener(self) -> Any:
        post = self._worker.post

        def on_event(event: Any) -> None:
            if isinstance(event, Progress):
                post(self._on_progress, event)

        return paced(on_event)

    def _on_progress(self, event: Progress) -> None:
        left = self._clock.left(event.done, event.total)
        self._view.show_progress(event.done, event.total, "" if left is None else f"{text.duration(left)} left")

    def _on_done(self, maps: Maps) -> None:
        self._finish()
        add_distance_layers(self._viewer, maps.layers)
        self._view.show_progress(1, 1, "")
        self._show_taken()
        if self._edits.edited:
            self._state.say(_EDITED, "warning")
        elif maps.warnings:
            self._state.say(maps.warnings[-1], "warning")
        else:
            n = len(maps.layers)
            where = "in memory" if maps.path is None else f"saved in {maps.path}"
            self._state.say(f"Done: {n} {'map' if n == 1 else 'maps'}, {where}.", "done")

    def _on_failed(self, error: Exception) -> None:
        self._finish()
        self._view.show_progress(0, 0, "")
        self._show_taken()
        cancelled = isinstance(error, RunCancelledError)
        self._state.say("Cancelled; nothing of the map is left." if cancelled else sentence(error), _kind(cancelled))

    def _finish(self) -> None:
        self._control = None
        self._state.phase = Phase.IDLE

    def _on_edit(self) -> None:
        if not self._state.phase.busy:
            self._state.say(_EDITED, "warning")

    def _on_volume(self, *_: object) -> None:
        volume = self._state.volume
        self._view.save.show_path("" if volume is None else beside(volume.source))
        unit = None if volume is None else common_unit(volume.units)
        self._view.show_unit(text.voxel((1.0,), (unit,)).removeprefix("1 ") if unit else "")
        self._show_taken()
        self._show_phase()

    def _show_taken(self, *_: object) -> None:
        place = self._view.save.path.text().strip()
        self._view.save.show_taken(taken=bool(place) and Path(place).expanduser().exists())

    def _show_phase(self, *_: object) -> None:
        self._view.show_phase(busy=self._state.phase.busy, ready=self._state.volume is not None)


def _distance(typed: str) -> float | None:
    if not typed.strip():
        return None
    try:
        return float(typed)
    except ValueError:
        raise SettingsError(
            f"Up to must be a distance above 0 in the unit of the spacing, got {typed!r}; leave it empty for no limit."
        ) from None


def _placement(layer: Any, ndim: int) -> dict[str, Any]:
    """Return the transform of a layer beyond scale and translation, which the volume has."""
    if layer.ndim != ndim:
        return {}
    return {"rotate": layer.rotate, "shear": layer.shear, "affine": layer.affine.affine_matrix}


def _kind(cancelled: bool) -> Any:
    return "info" if cancelled else "error"
