"""From a shape to boxes: pure integers, no voxels."""

from napari_seamless.plan.axis_grid import axis_grid
from napari_seamless.plan.make import make_plan, patch_step, per_axis
from napari_seamless.plan.order import batches, covered_box, last_touch, next_touch, uncovered_chunks
from napari_seamless.plan.windows import axis_weights, is_separable, window_array

__all__ = [
    "axis_grid",
    "axis_weights",
    "batches",
    "covered_box",
    "is_separable",
    "last_touch",
    "make_plan",
    "next_touch",
    "patch_step",
    "per_axis",
    "uncovered_chunks",
    "window_array",
]
