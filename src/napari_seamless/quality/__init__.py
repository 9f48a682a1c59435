"""How good a result is: metrics between labels and a reference, and errors by coordinate inside the patch."""

from napari_seamless.quality.advice import Advice, advise, pareto_front
from napari_seamless.quality.keras_tracker import TensorflowPatchPerformance
from napari_seamless.quality.measures import MEASURES
from napari_seamless.quality.metrics import check_truth, dice_scores
from napari_seamless.quality.performance import PatchPerformance
from napari_seamless.quality.performance_window import InverseError, performance_window
from napari_seamless.quality.seam import seam_energy, seam_map
from napari_seamless.quality.surface import surface_dice
from napari_seamless.quality.torch_tracker import TorchPatchPerformance

__all__ = [
    "MEASURES",
    "Advice",
    "InverseError",
    "PatchPerformance",
    "TensorflowPatchPerformance",
    "TorchPatchPerformance",
    "advise",
    "check_truth",
    "dice_scores",
    "pareto_front",
    "performance_window",
    "seam_energy",
    "seam_map",
    "surface_dice",
]
