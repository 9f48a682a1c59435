"""Surfaces of labels and fields: faces by block, welded by label, finished, measured and written."""

from napari_seamless.mesh.export import SUFFIXES, PrecomputedWriter, write_surfaces
from napari_seamless.mesh.faces import MARGIN, Faces, field_faces, label_faces
from napari_seamless.mesh.finish import (
    Measures,
    drop_small,
    fill_cavities,
    measure,
    read_values,
    refine_by_occupancy,
    simplify,
    smooth,
    vertex_normals,
)
from napari_seamless.mesh.grid import Grid
from napari_seamless.mesh.weld import weld

__all__ = [
    "MARGIN",
    "SUFFIXES",
    "Faces",
    "Grid",
    "Measures",
    "PrecomputedWriter",
    "drop_small",
    "field_faces",
    "fill_cavities",
    "label_faces",
    "measure",
    "read_values",
    "refine_by_occupancy",
    "simplify",
    "smooth",
    "vertex_normals",
    "weld",
    "write_surfaces",
]
