"""Losses for segmentation with partial labels: voxels with the label -1 count in none of them."""

from napari_seamless.training.losses.boundary import BoundaryLoss
from napari_seamless.training.losses.combined import LOSSES, WeightedLoss, make_loss
from napari_seamless.training.losses.dice import DiceLoss, GeneralizedDiceLoss
from napari_seamless.training.losses.entropy import CrossEntropyLoss, FocalLoss
from napari_seamless.training.losses.hausdorff import HausdorffLoss

__all__ = [
    "LOSSES",
    "BoundaryLoss",
    "CrossEntropyLoss",
    "DiceLoss",
    "FocalLoss",
    "GeneralizedDiceLoss",
    "HausdorffLoss",
    "WeightedLoss",
    "make_loss",
]
