"""Makes the surfaces, puts them into the viewer, and colours them."""

from __future__ import annotations

import dataclasses
from typing import Any

from napari_seamless._napari.surface_layer import MARK, show_surfaces, surface_layer
from napari_seamless._napari.surface_layer_colors import Coloring, LabelColors
from napari_seamless._napari.surface_layer_place import placement
from napari_seamless._napari.tuning_layers import is_there
from napari_seamless._qt import text
from napari_seamless._qt.edit_watch import EditWatch
from napari_seamless._qt.mesh.job import MeshJob, colored, counted, timed, valued
from napari_seamless._qt.mesh.kinds import is_image
from napari_seamless._qt.mesh.make_view import BY_LABEL, MakeView
from napari_seamless._qt.mesh.runner import Runner
from napari_seamless._qt.mesh.shape_controller import ShapeController
from napari_seamless._qt.mesh.state import Made, MeshParts
from napari_seamless.engine.control import Control
from napari_seamless.errors import SeamlessError

_EDITED = "The labels were edited since; the meshes are of the labels as they were. Create them again to follow."


class MakeController:
    """Between `MakeView`, the core and the viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets one layer.
    view, shape, runner, parts
        The step's widget, who knows the settings, who runs long work, and what the controllers share.
    """

    def __init__(self, viewer: Any, view: MakeView, shape: ShapeController, runner: Runner, parts: MeshParts) -> None:
        self._viewer, self._view, self._shape, self._runner = viewer, view, shape, runner
        self._state = parts.state
        self.layer: Any = None
        self._color: Any = None
        self._edits = EditWatch(self._on_edit)
        view.create_asked.connect(self.create)
        view.color_chosen.connect(self._on_color)
        view.show_asked.connect(self.show_in_3d)
        events = viewer.layers.events
        self._events = (events.inserted, events.removed, events.reordered, events.renamed)
        for event in self._events:
            event.connect(self._list)
        viewer.dims.events.ndisplay.connect(self._offer)
        self._list()

    def create(self) -> None:
        """Start, unless a choice is refused."""
        state = self._state
        if state.volume is None:
            state.say("There is no volume to make meshes of; open one, or choose a layer.", "error")
            return
        try:
            job = self.job()
        except SeamlessError as error:
            state.say(str(error), "error")
            return
        layer, volume = state.layer, state.volume
        self._edits.follow(layer)
        name = f"{volume.name} meshes"
        self._runner.run(
            lambda on_event, control: timed(lambda: _made(job, on_event, control)),
            lambda done: self._on_made(layer, volume, name, *done),
            saying="Making surfaces …",
            cancelled="Cancelled; nothing of the new meshes is left.",
        )

    def job(self) -> MeshJob:
        """Return what would be made now.

        Raises
        ------
        SeamlessError
            Something that was chosen makes no sense.
        """
        state = self._state
        return MeshJob(
            volume=state.volume, settings=self._shape.settings(), colors=LabelColors(state.layer), value=self._value()
        )

    def show_in_3d(self) -> None:
        """Turn to 3D, with nothing before the surfaces."""
        made = self._state.made
        if made is not None and is_there(self._viewer, made.source):
            made.source.visible = False
        self._viewer.dims.ndisplay = 3

    def close(self) -> None:
        """Stop listening to the viewer."""
        for event in self._events:
            event.disconnect(self._list)
        self._viewer.dims.events.ndisplay.disconnect(self._offer)
        self._edits.follow(None)

    def _on_made(self, source: Any, volume: Any, name: str, done: tuple[Any, Any, Any], seconds: float) -> None:
        surfaces, warnings, layer_tuple = done
        affine = placement(source, volume) if is_there(self._viewer, source) else None
        made = Made(
            surfaces=tuple(surfaces),
            source=source,
            volume=volume,
            affine=affine,
            seconds=seconds,
            warnings=tuple(warnings),
        )
        self._show_layer(made, layer_tuple, name)
        self._state.made = made
        self._offer()
        self._say_done(made)

    def _show_layer(self, made: Made, layer_tuple: Any, name: str) -> None:
        data, arguments, kind = layer_tuple
        old = self.layer if self.layer is not None and self.layer.metadata.get(MARK) == _origin(made) else None
        arguments |= {"affine": made.affine, "axis_labels": made.volume.spatial_axes, "name": name}
        arguments["metadata"] = {MARK: _origin(made)}
        self.layer = show_surfaces(self._viewer, old, (data, arguments, kind))
        self.layer.visible = True

    def _say_done(self, made: Made) -> None:
        if self._edits.edited:
            self._state.say(_EDITED, "warning")
        elif made.warnings:
            self._state.say(made.warnings[-1], "warning")
        else:
            triangles = sum(one.measures.triangles for one in made.surfaces)
            hint = " Show them in 3D." if self._viewer.dims.ndisplay == 2 else ""
            self._state.say(
                f"Done: {counted(len(made.surfaces))}, {triangles:,} triangles, {text.duration(made.seconds)}.{hint}",
                "done",
            )

    def _on_color(self, key: int) -> None:
        """Colour the surfaces that are there."""
        self._color = next((layer for layer in self._viewer.layers if hash(layer) == key), None)
        made = self._state.made
        if made is None or self.layer is None or not is_there(self._viewer, self.layer):
            return
        colors, value, name = LabelColors(made.source), self._value(), self.layer.name
        self._runner.run(
            lambda _, control: _recolored(made, colors, value, control),
            lambda done: self._on_colored(made, name, *done),
            saying="Colouring …",
            cancelled="Cancelled; the colours are as they were.",
        )

    def _on_colored(self, made: Made, name: str, surfaces: Any, layer_tuple: Any) -> None:
        made = dataclasses.replace(made, surfaces=tuple(surfaces))
        self._show_layer(made, layer_tuple, name)
        self._state.made = made
        self._state.say(f"Coloured by {'label' if self._color is None else self._color.name}.", "done")

    def _value(self) -> Coloring | None:
        layer = self._color
        return None if layer is None or not is_there(self._viewer, layer) else Coloring.of(layer)

    def _on_edit(self) -> None:
        if not self._state.phase.busy and self._state.made is not None:
            self._state.say(_EDITED, "warning")

    def _list(self, *_: object) -> None:
        layers = [layer for layer in self._viewer.layers if is_image(layer) and layer.ndim >= 3]
        if self._color is not None and not is_there(self._viewer, self._color):
            self._color = None
        current = BY_LABEL if self._color is None else hash(self._color)
        self._view.show_colors({hash(layer): layer.name for layer in layers}, current)
        self._offer()

    def _offer(self, *_: object) -> None:
        there = self.layer is not None and is_there(self._viewer, self.layer)
        self._view.show_3d_offered(offered=there and self._viewer.dims.ndisplay == 2)


def _made(job: MeshJob, on_event: Any, control: Control) -> tuple[Any, Any, Any]:
    surfaces, warnings, _ = job.make(on_event, control)
    return surfaces, warnings, _layer(surfaces, job.value)


def _recolored(made: Made, colors: LabelColors, value: Any, control: Control) -> tuple[Any, Any]:
    surfaces = colored(made.surfaces, colors)
    if value is not None:
        surfaces = valued(surfaces, value, control)
    return surfaces, _layer(surfaces, value)


def _layer(surfaces: Any, value: Any) -> Any:
    return surface_layer([one.surface for one in surfaces], value)


def _origin(made: Made) -> dict[str, Any]:
    return {"source": made.volume.name}
