"""Writes surfaces to files: those of the table, or else straight from the volume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_seamless._napari.surface_layer_colors import LabelColors
from napari_seamless._qt.mesh.browse import choose_mesh_output
from napari_seamless._qt.mesh.job import colored, write
from napari_seamless._qt.mesh.make_controller import MakeController
from napari_seamless._qt.mesh.runner import Runner
from napari_seamless._qt.mesh.state import Made, MeshParts
from napari_seamless._qt.mesh.table_view import TableView
from napari_seamless.errors import SeamlessError


class ExportController:
    """Between `TableView`, the core and the disk.

    Parameters
    ----------
    view, make, runner, parts
        The step's widget, who knows what would be made, who runs long work, and what the controllers share.
    """

    def __init__(self, view: TableView, make: MakeController, runner: Runner, parts: MeshParts) -> None:
        self._view, self._make, self._runner, self._state = view, make, runner, parts.state
        view.export_asked.connect(self._ask)
        for event in (parts.state.events.phase, parts.state.events.volume, parts.state.events.made):
            event.connect(self._show_phase)
        self._show_phase()

    def export(self, path: Path, *, each: bool) -> None:
        """Write to a path; a file that is there is replaced, a folder is not."""
        made = self._state.made
        overwrite = path.is_file() and not each
        try:
            work = self._of_volume(path, each, overwrite) if made is None else _of_made(made, path, each, overwrite)
        except SeamlessError as error:
            self._state.say(str(error), "error")
            return
        self._runner.run(
            work,
            lambda told: self._state.say(f"Exported: {told}.", "done"),
            saying=f"Writing {path.name} …",
            cancelled="Cancelled; nothing of the file is left.",
        )

    def _ask(self, each: bool) -> None:
        made = self._state.made
        volume = self._state.volume if made is None else made.volume
        name = "meshes" if volume is None else volume.name.replace("/", " ")
        if path := choose_mesh_output(self._view, f"{name}.glb"):
            self.export(Path(path).expanduser(), each=each)

    def _of_volume(self, path: Path, each: bool, overwrite: bool) -> Any:
        job = self._make.job()
        return lambda on_event, control: job.write(path, each, overwrite, on_event, control)

    def _show_phase(self, *_: object) -> None:
        state = self._state
        self._view.show_phase(ready=not state.phase.busy and (state.made is not None or state.volume is not None))


def _of_made(made: Made, path: Path, each: bool, overwrite: bool) -> Any:
    colors = LabelColors(made.source)
    return lambda _, control: write(colored(made.surfaces, colors), path, each, overwrite, control)
