"""Segment volumes larger than memory, patch by patch, without seams.

The names below are imported on first use, so that ``import napari_seamless`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_seamless.engine import Control, Segmentation, prepare, segment
    from napari_seamless.engine.distance import signed_distance_map
    from napari_seamless.errors import SeamlessError
    from napari_seamless.models import demo_model, load_model
    from napari_seamless.plan import make_plan
    from napari_seamless.quality import TensorflowPatchPerformance, TorchPatchPerformance
    from napari_seamless.recipe import RunSettings
    from napari_seamless.sampling import Aggregator, GridSampler, SamplingMode
    from napari_seamless.types import Box, Model, ModelSpec, Volume
    from napari_seamless.types import Plan as Plan
    from napari_seamless.volume import open_volume

__version__ = "0.1.0"

_HOMES = {
    "Aggregator": "sampling",
    "Box": "types",
    "Control": "engine",
    "GridSampler": "sampling",
    "Model": "types",
    "ModelSpec": "types",
    "Plan": "types",
    "RunSettings": "recipe",
    "SamplingMode": "sampling",
    "SeamlessError": "errors",
    "Segmentation": "engine",
    "TensorflowPatchPerformance": "quality",
    "TorchPatchPerformance": "quality",
    "Volume": "types",
    "demo_model": "models",
    "load_model": "models",
    "make_plan": "plan",
    "open_volume": "volume",
    "prepare": "engine",
    "segment": "engine",
    "signed_distance_map": "engine.distance",
}

__all__ = [
    "Aggregator",
    "Box",
    "Control",
    "GridSampler",
    "Model",
    "ModelSpec",
    "RunSettings",
    "SamplingMode",
    "SeamlessError",
    "Segmentation",
    "TensorflowPatchPerformance",
    "TorchPatchPerformance",
    "Volume",
    "demo_model",
    "load_model",
    "make_plan",
    "open_volume",
    "prepare",
    "segment",
    "signed_distance_map",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
