"""The frozen types that pass between the rooms, one for each arrow of the corridor.

Boxes and plans are integers only; volumes hold lazy arrays and never voxels of their own.
Spatial axes are in array order (usually z, y, x) and every per-axis tuple follows that order.
"""

from __future__ import annotations

from napari_seamless.types.box import Box
from napari_seamless.types.grid import AxisGrid, BorderMode
from napari_seamless.types.model import Activation, Model, ModelSpec, Normalization, NormalizationKind
from napari_seamless.types.padding import Padding, PadMode, PadSides
from napari_seamless.types.plan import Plan
from napari_seamless.types.surface import Surface
from napari_seamless.types.volume import NON_SPATIAL_AXES, ArrayLike, Level, Volume
from napari_seamless.types.window import WINDOW_SUFFIX, Window, WindowKind

__all__ = [
    "NON_SPATIAL_AXES",
    "WINDOW_SUFFIX",
    "Activation",
    "ArrayLike",
    "AxisGrid",
    "BorderMode",
    "Box",
    "Level",
    "Model",
    "ModelSpec",
    "Normalization",
    "NormalizationKind",
    "PadMode",
    "PadSides",
    "Padding",
    "Plan",
    "Surface",
    "Volume",
    "Window",
    "WindowKind",
]
