"""What is done to a surface once it is closed: smoothed, simplified, cut apart, refined and measured."""

from napari_seamless.mesh.finish.components import (
    component_volumes,
    connected_components,
    drop_small,
    fill_cavities,
    split,
)
from napari_seamless.mesh.finish.measuring import Measures, measure
from napari_seamless.mesh.finish.normals import vertex_normals
from napari_seamless.mesh.finish.refinement import Refinement, refine_by_occupancy
from napari_seamless.mesh.finish.simplification import simplify
from napari_seamless.mesh.finish.smoothing import smooth
from napari_seamless.mesh.finish.values import read_values, sample_values

__all__ = [
    "Measures",
    "Refinement",
    "component_volumes",
    "connected_components",
    "drop_small",
    "fill_cavities",
    "measure",
    "read_values",
    "refine_by_occupancy",
    "sample_values",
    "simplify",
    "smooth",
    "split",
    "vertex_normals",
]
