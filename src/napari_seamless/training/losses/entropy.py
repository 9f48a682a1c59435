"""Losses voxel by voxel: cross entropy and focal loss."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from napari_seamless.training.losses.targets import UNPAINTED, check_labels, class_scores


class FocalLoss(nn.Module):
    r"""Cross entropy in which voxels that are right already hardly count.

    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal loss for dense object detection", ICCV 2017, equation 4,
    for any number of classes: the mean of ``-(1 - p)^gamma log(p)``, where p is the probability of a voxel's class.

    Parameters
    ----------
    gamma : float
        0 is cross entropy; larger values look more at what is wrong.

    Examples
    --------
    >>> round(FocalLoss(gamma=2)(torch.zeros(1, 2, 3), torch.tensor([[0, 1, 1]])).item(), 4)
    0.1733
    """

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        r"""Return the loss of logits (batch, class, \*spatial) and labels (batch, \*spatial), -1 where none counts."""
        check_labels(logits, labels)
        scores = class_scores(logits)
        entropy = F.cross_entropy(scores, labels.long(), ignore_index=UNPAINTED, reduction="none")
        loss = (-torch.expm1(-entropy)) ** self.gamma * entropy if self.gamma else entropy
        return loss.sum() / (labels >= 0).sum().clamp(min=1)


class CrossEntropyLoss(FocalLoss):
    r"""The mean of ``-log(p)``, where p is the probability of a voxel's class.

    Examples
    --------
    >>> round(CrossEntropyLoss()(torch.zeros(1, 2, 3), torch.tensor([[0, 1, -1]])).item(), 4)
    0.6931
    """

    def __init__(self) -> None:
        super().__init__(gamma=0.0)
