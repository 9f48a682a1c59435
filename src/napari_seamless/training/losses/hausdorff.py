"""A loss that bounds the Hausdorff distance, by distance transforms of the patch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_seamless.errors import MissingDependencyError
from napari_seamless.training.losses.targets import check_labels, chosen_classes, class_scores, counted, one_hot

if TYPE_CHECKING:
    from collections.abc import Sequence


class HausdorffLoss(nn.Module):
    r"""Squared error times the distances from the boundaries of prediction and labels, as MONAI computes it.

    D. Karimi, S. E. Salcudean, "Reducing the Hausdorff distance in medical image segmentation with convolutional neural
    networks", IEEE TMI 2020. The distances are those inside the patch, in voxels, and take a transform for every patch
    and class at each step: slow beside the other losses. Where a voxel does not count, the network is taken at its
    word.

    Parameters
    ----------
    classes : sequence of int or None
        Labels of the classes that count, rising; None for all but the background.
    alpha : float
        Power of the distances.

    Raises
    ------
    MissingDependencyError
        MONAI is not installed.
    """

    def __init__(self, classes: Sequence[int] | None = None, *, alpha: float = 2.0) -> None:
        super().__init__()
        self.classes = None if classes is None else tuple(classes)
        self.loss = _monai_loss(alpha)

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        r"""Return the loss of logits (batch, class, \*spatial) and labels (batch, \*spatial), -1 where none counts."""
        check_labels(logits, labels)
        scores = class_scores(logits)
        chosen = chosen_classes(self.classes, scores.shape[1])
        where = counted(labels)
        probabilities = scores.softmax(1)[:, chosen]
        believed = (probabilities.detach() > 0.5).float()
        truth = torch.where(where, one_hot(labels, scores.shape[1])[:, chosen], believed)
        value: torch.Tensor = self.loss(torch.where(where, probabilities, believed), truth)
        return value * (where.numel() / where.sum().clamp(min=1))


def _monai_loss(alpha: float) -> nn.Module:
    try:
        from monai.losses.hausdorff_loss import HausdorffDTLoss
    except ImportError as error:
        raise MissingDependencyError(
            "The Hausdorff loss needs MONAI: pip install 'napari-seamless[monai]', or choose another loss."
        ) from error
    loss: nn.Module = HausdorffDTLoss(alpha=alpha, include_background=True)  # the classes are chosen here
    return loss
