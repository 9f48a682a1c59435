"""The pictures of the dock of meshes, for `make_screenshots`: brain and nuclei, and the brain's file by VTK."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import render_mesh
from qtpy.QtCore import Qt

from napari_seamless._qt.mesh.table_model import COLUMNS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    import napari

VIEW, UP = (-0.5, -0.7, 0.6), (1, 0, 0)


def take_meshes(options: argparse.Namespace, open_dock: Callable[..., Any], wait: Any, save: Any) -> None:
    """Show a preview, the surfaces of the brain in both themes and of nuclei, and an exported file in VTK."""
    viewer, dock = open_dock(options, "Meshes")
    viewer.layers["brain T1"].visible = False
    viewer.dims.ndisplay = 3
    look(viewer)
    wait(until=lambda: "mesh preview" in viewer.layers)
    save(viewer, options.folder / "mesh-preview.png")
    dock.make.create()
    wait(until=lambda: not dock.state.phase.busy)
    look(viewer)
    dock.table_view.table.selectRow(1)
    save(viewer, options.folder / "mesh-window.png")
    viewer.theme = "light"
    wait(0.5)
    dock.make._on_color(hash(viewer.layers["brain T1"]))
    dock.make_view.color.show_value(hash(viewer.layers["brain T1"]))
    wait(until=lambda: not dock.state.phase.busy)
    save(viewer, options.folder / "mesh-values-light.png")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "brain.glb"
        dock.export.export(path, each=False)
        wait(until=lambda: not dock.state.phase.busy)
        render_mesh.render(path, options.folder / "mesh-vtk.png")
    viewer.close()
    take_nuclei(options, open_dock, wait, save)


def take_nuclei(options: argparse.Namespace, open_dock: Callable[..., Any], wait: Any, save: Any) -> None:
    """Show the surfaces of instances, sorted by volume."""
    viewer, dock = open_dock(options, "Meshes", sample="nuclei")
    viewer.layers["nuclei"].visible = False
    dock.make.create()
    wait(until=lambda: not dock.state.phase.busy)
    dock.make.show_in_3d()
    look(viewer)
    dock.table_view.table.sortByColumn(list(COLUMNS).index("volume"), Qt.SortOrder.DescendingOrder)
    save(viewer, options.folder / "mesh-nuclei.png")
    viewer.close()


def look(viewer: napari.Viewer) -> None:
    """Look from above and the side."""
    # napari lights a mirrored view from behind
    viewer.scene.camera.orientation2d = ("down", "right")
    viewer.reset_view(margin=0.15)
    viewer.scene.camera.set_view_direction(VIEW, UP)
