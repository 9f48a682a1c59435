"""The question for a file of meshes, in one place so that tests can answer it."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_seamless.engine.mesh.output import PRECOMPUTED
from napari_seamless.mesh import SUFFIXES

_NAMES = {
    ".glb": "glTF binary",
    ".obj": "Wavefront OBJ",
    ".ply": "PLY",
    ".stl": "STL",
    ".vtp": "VTK PolyData",
    PRECOMPUTED: "Neuroglancer",
}


def choose_mesh_output(parent: QWidget, name: str) -> str:
    """Ask where to write meshes, whether a file that is there may be replaced too; empty where the person declines."""
    filters = {f"{_NAMES[suffix]} (*{suffix})": suffix for suffix in _NAMES if suffix in {*SUFFIXES, PRECOMPUTED}}
    path, chosen = QFileDialog.getSaveFileName(parent, "Export meshes", name, ";;".join(filters))
    return with_suffix(path, filters.get(chosen, ".glb")) if path else ""


def with_suffix(path: str, suffix: str) -> str:
    """Return a path that ends as a file of meshes does.

    Examples
    --------
    >>> with_suffix("cells", ".ply"), with_suffix("cells.OBJ", ".ply"), with_suffix("a.b", ".glb")
    ('cells.ply', 'cells.OBJ', 'a.b.glb')
    """
    return path if Path(path).suffix.lower() in {*SUFFIXES, PRECOMPUTED} else path + suffix
