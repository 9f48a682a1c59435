"""A preview of the surfaces in the middle of the view, made anew whenever something changes."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject

from napari_seamless._napari.surface_layer import show_surfaces, surface_layer
from napari_seamless._napari.surface_layer_colors import LabelColors
from napari_seamless._napari.surface_layer_place import placement, voxels_in_sight
from napari_seamless._napari.tuning_layers import is_there
from napari_seamless._qt.mesh.job import MeshJob, timed
from napari_seamless._qt.mesh.numbers import length
from napari_seamless._qt.mesh.part_in_view import SIDES, PartInView, part_in_view
from napari_seamless._qt.mesh.shape_controller import ShapeController
from napari_seamless._qt.mesh.shape_view import ShapeView
from napari_seamless._qt.mesh.state import MeshParts
from napari_seamless._qt.reasons import sentence
from napari_seamless._qt.rest import rest
from napari_seamless.engine.control import Control
from napari_seamless.engine.events import ignore_event
from napari_seamless.errors import RunCancelledError, SeamlessError

NAME = "mesh preview"
REST_MS = 300
"""From the last change to a preview of it."""
TOO_LONG, QUICK = 2.5, 0.6
"""Seconds after which the next part is smaller, and below which it is larger."""


class PreviewController(QObject):
    """Between what is chosen, the view of the viewer, and the layer of the preview.

    One preview is made at a time, on a thread; what changes meanwhile cancels it. The layer is drawn in 3D alone: a
    slice of a surface shows little.

    Parameters
    ----------
    viewer : napari.Viewer
        Its view is followed; gets the layer.
    view, shape, parts
        The widget with the tick, who knows the settings, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: ShapeView, shape: ShapeController, parts: MeshParts) -> None:
        super().__init__(view)
        self._viewer, self._view, self._shape, self._parts = viewer, view, shape, parts
        self._state = parts.state
        self.layer: Any = None
        self._control: Control | None = None
        self._size, self._warm = SIDES.index(64), False
        self._shown: tuple[PartInView, bool] | None = None
        self._soon = rest(self, REST_MS, self._start)
        view.changed.connect(self.ask)
        view.preview_asked.connect(self._on_asked)
        for event in (parts.state.events.volume, parts.state.events.kind, parts.state.events.phase):
            event.connect(self.ask)
        dims, camera = viewer.dims.events, viewer.scene.camera.events
        self._events = (dims.point, dims.order, dims.ndisplay, camera.center, camera.zoom)
        for event in self._events:
            event.connect(self._on_view)
        self.ask()

    def ask(self, *_: object) -> None:
        """Make a preview soon: something else is wanted."""
        self._shown = None
        self._soon.start()

    def close(self) -> None:
        """Stop listening, and what is under way; take the layer away."""
        self._soon.stop()
        self._cancel()
        for event in self._events:
            event.disconnect(self._on_view)
        self._remove()

    def _on_view(self, *_: object) -> None:
        if self.layer is not None and is_there(self._viewer, self.layer):
            self.layer.visible = self._drawn
        self._soon.start()

    def _on_asked(self, asked: bool) -> None:
        if asked:
            self.ask()
            return
        self._soon.stop()
        self._cancel()
        self._view.show_preview("")
        self._remove()

    @property
    def _drawn(self) -> bool:
        return bool(self._viewer.dims.ndisplay == 3 and self._view.preview.isChecked())

    def _start(self) -> None:
        """Make a preview, unless it is shown already or something larger is under way."""
        state = self._state
        if not self._view.preview.isChecked() or state.phase.busy or state.volume is None:
            if state.phase.busy or state.volume is None:
                self._view.show_preview("")
                self._cancel()
            return
        if self._control is not None:
            # its end starts the next one
            self._cancel()
            return
        found = voxels_in_sight(self._viewer, state.layer, state.volume)
        part = None if found is None else part_in_view(state.volume, *found, SIDES[self._size])
        if part is None:
            self._view.show_preview("preview: nothing of the volume is in sight")
            return
        if (part, self._drawn) == self._shown:
            return
        try:
            job = self._job(part)
        except SeamlessError as error:
            self._view.show_preview(f"preview: {error}")
            return
        self._run(job, part)

    def _job(self, part: PartInView) -> MeshJob:
        state = self._state
        settings = {"region": part.box, "scale": part.scale}
        # what a whole surface may have says nothing of a part of it
        limit = {} if part.is_whole else {"triangles": None}
        return MeshJob(
            volume=state.volume, settings=self._shape.settings(**settings, **limit), colors=LabelColors(state.layer)
        )

    def _run(self, job: MeshJob, part: PartInView) -> None:
        control = self._control = Control()
        volume = self._state.volume
        self._parts.worker.start(
            lambda: timed(lambda: _made(job, control)),
            lambda done: self._on_done(volume, part, *done),
            self._on_failed,
            name="mesh preview",
        )

    def _on_done(self, volume: Any, part: PartInView, done: tuple[Any, int, int, float], seconds: float) -> None:
        self._control = None
        self._follow_pace(seconds)
        state = self._state
        if volume is not state.volume or not self._view.preview.isChecked() or state.phase.busy:
            return
        layer_tuple, before, after, error = done
        self._view.show_preview(_told(part, before, after, length(error, volume.units[0]), seconds))
        self._shown = part, self._drawn
        if not self._drawn:
            return
        data, arguments, kind = layer_tuple
        arguments |= {"affine": placement(state.layer, volume), "axis_labels": volume.spatial_axes, "name": NAME}
        self.layer = show_surfaces(self._viewer, self.layer, (data, arguments, kind))
        self.layer.visible = True

    def _follow_pace(self, seconds: float) -> None:
        """Choose how large the next part is; the first one says nothing, for it waits for compiled loops."""
        if self._warm:
            step = -1 if seconds > TOO_LONG else 1 if seconds < QUICK else 0
            self._size = min(max(self._size + step, 0), len(SIDES) - 1)
        self._warm = True

    def _on_failed(self, error: Exception) -> None:
        self._control = None
        if isinstance(error, RunCancelledError):
            self._soon.start()
            return
        self._view.show_preview(f"preview: {sentence(error)}")

    def _cancel(self) -> None:
        if self._control is not None:
            self._control.cancel()

    def _remove(self) -> None:
        """Hide the layer; one that is taken away and comes back would be drawn anew from nothing."""
        if self.layer is not None and is_there(self._viewer, self.layer):
            self.layer.visible = False


def _made(job: MeshJob, control: Control) -> tuple[Any, int, int, float]:
    made, _, before = job.make(ignore_event, control)
    surfaces = [one.surface for one in made]
    after = sum(len(surface.triangles) for surface in surfaces)
    return surface_layer(surfaces), before, after, max(surface.error for surface in surfaces)


def _told(part: PartInView, before: int, after: int, error: str, seconds: float) -> str:
    coarse = f", at 1/{part.every} of the resolution" if part.every > 1 else ""
    counts = f"{before:,} triangles" if after == before else f"{before:,} → {after:,} triangles"
    return f"preview: {counts}, error {error}, {seconds:.1f} s{coarse}"
