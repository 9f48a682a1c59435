"""Losses of overlap: Dice and generalised Dice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_seamless.training.losses.targets import check_labels, chosen_classes, class_scores, counted, one_hot

if TYPE_CHECKING:
    from collections.abc import Sequence


class DiceLoss(nn.Module):
    r"""1 - soft Dice, averaged over classes.

    For a class with probabilities p and labels r (0 or 1): ``1 - (2 sum(r p) + s) / (sum(r) + sum(p) + s)``. Sums run
    over all voxels of the batch that count: a patch that holds nothing of a class then has a say by what it holds.

    Parameters
    ----------
    classes : sequence of int or None
        Labels of the classes that count, rising; None for all but the background.
    smooth : float
        s: keeps a class without voxels from dividing 0 by 0.

    Examples
    --------
    >>> logits = torch.tensor([[[0.0, 0.0], [0.0, 0.0]]])  # one patch, two classes, two voxels
    >>> DiceLoss(smooth=0)(logits, torch.tensor([[0, 1]])).item()
    0.5
    """

    def __init__(self, classes: Sequence[int] | None = None, *, smooth: float = 1e-5) -> None:
        super().__init__()
        self.classes = None if classes is None else tuple(classes)
        self.smooth = smooth

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        r"""Return the loss of logits (batch, class, \*spatial) and labels (batch, \*spatial), -1 where none counts."""
        both, each = _overlap(logits, labels, self.classes)
        return (1 - (2 * both + self.smooth) / (each.sum(0) + self.smooth)).mean()


class GeneralizedDiceLoss(nn.Module):
    r"""1 - generalised Dice: overlaps of all classes in one ratio, each weighted by its rarity.

    C. H. Sudre, W. Li, T. Vercauteren, S. Ourselin, M. J. Cardoso, "Generalised Dice overlap as a deep learning loss
    function for highly unbalanced segmentations", DLMIA 2017: ``1 - 2 sum_l w_l sum(r p) / sum_l w_l sum(r + p)``
    with ``w_l = 1 / sum(r)^2``. Sums run over all voxels of the batch that count. A class that none of them has would
    weigh infinitely; it gets the largest weight of those that are there.

    Parameters
    ----------
    classes : sequence of int or None
        Labels of the classes that count, rising; None for all, the background too.

    Examples
    --------
    >>> logits = torch.tensor([[[0.0, 0.0], [0.0, 0.0]]])
    >>> GeneralizedDiceLoss()(logits, torch.tensor([[0, 1]])).item()
    0.5
    """

    def __init__(self, classes: Sequence[int] | None = None) -> None:
        super().__init__()
        self.classes = None if classes is None else tuple(classes)

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        r"""Return the loss of logits (batch, class, \*spatial) and labels (batch, \*spatial), -1 where none counts."""
        classes = range(max(2, logits.shape[1])) if self.classes is None else self.classes
        both, each = _overlap(logits, labels, classes)
        size = each[0]
        weight = 1 / size.clamp(min=1).square()
        weight = torch.where(size > 0, weight, torch.where(size > 0, weight, 0).amax())
        return 1 - 2 * (weight * both).sum() / (weight * each.sum(0)).sum().clamp(min=1e-12)


def _overlap(
    logits: torch.Tensor, labels: torch.Tensor, classes: Sequence[int] | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return sum(r p) (class,), and sum(r) and sum(p) (2, class), over the voxels that count."""
    check_labels(logits, labels)
    scores = class_scores(logits)
    chosen = chosen_classes(classes, scores.shape[1])
    probabilities = (scores.softmax(1) * counted(labels))[:, chosen].transpose(0, 1).flatten(1)
    truth = one_hot(labels, scores.shape[1])[:, chosen].transpose(0, 1).flatten(1)
    return (truth * probabilities).sum(1), torch.stack([truth.sum(1), probabilities.sum(1)])
