"""From a shape to boxes: pure integers, no voxels."""

from napari_seamless.plan.axis_grid import axis_grid
from napari_seamless.plan.batches import Batch, Batches
from napari_seamless.plan.cover import covered_box, uncovered_chunks
from napari_seamless.plan.make import make_plan, patch_step, per_axis
from napari_seamless.plan.plan_json import plan_from_dict, plan_to_dict
from napari_seamless.plan.window_file import load_window, save_window
from napari_seamless.plan.windows import axis_weights, is_separable, window_array

__all__ = [
    "Batch",
    "Batches",
    "axis_grid",
    "axis_weights",
    "covered_box",
    "is_separable",
    "load_window",
    "make_plan",
    "patch_step",
    "per_axis",
    "plan_from_dict",
    "plan_to_dict",
    "save_window",
    "uncovered_chunks",
    "window_array",
]
