"""How good a result is: metrics between labels and a reference."""

from napari_seamless.quality.metrics import check_truth, dice_scores

__all__ = ["check_truth", "dice_scores"]
