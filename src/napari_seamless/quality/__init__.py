"""How good a result is: metrics between labels and a reference."""

from napari_seamless.quality.advice import Advice, advise, pareto_front
from napari_seamless.quality.metrics import check_truth, dice_scores
from napari_seamless.quality.seam import seam_energy, seam_map
from napari_seamless.quality.surface import surface_dice

__all__ = [
    "Advice",
    "advise",
    "check_truth",
    "dice_scores",
    "pareto_front",
    "seam_energy",
    "seam_map",
    "surface_dice",
]
