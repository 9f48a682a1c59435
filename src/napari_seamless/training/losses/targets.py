"""What every loss makes of logits and labels: classes, probabilities, and which voxels count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from napari_seamless.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

UNPAINTED = -1
"""Label of a voxel that does not count, in every loss."""


def class_scores(logits: torch.Tensor) -> torch.Tensor:
    r"""Return float32 logits (batch, class, \*spatial) with a class for the background.

    One channel is the logit of the foreground: beside a background of 0, its softmax is the sigmoid.

    Examples
    --------
    >>> class_scores(torch.zeros(1, 1, 4)).shape
    torch.Size([1, 2, 4])
    """
    scores = logits.float()
    return torch.cat([torch.zeros_like(scores), scores], dim=1) if scores.shape[1] == 1 else scores


def check_labels(logits: torch.Tensor, labels: torch.Tensor) -> None:
    """Refuse labels that do not belong to the logits. Their values are not looked at.

    Raises
    ------
    SettingsError
        The shapes differ, or the labels are not integers.
    """
    expected = (logits.shape[0], *logits.shape[2:])
    if tuple(labels.shape) != expected or labels.is_floating_point():
        raise SettingsError(
            f"labels must be integers (batch, *spatial) of the shape {expected}, as the logits {tuple(logits.shape)} "
            f"say, got {labels.dtype} of the shape {tuple(labels.shape)}."
        )


def counted(labels: torch.Tensor) -> torch.Tensor:
    r"""Return which voxels count, bool (batch, 1, \*spatial): those with a label of at least 0."""
    return (labels >= 0).unsqueeze(1)


def one_hot(labels: torch.Tensor, n_classes: int) -> torch.Tensor:
    r"""Return labels as float32 (batch, class, \*spatial): 1 for the class of a voxel, all 0 where it does not count.

    Examples
    --------
    >>> one_hot(torch.tensor([[1, -1]]), 2).tolist()
    [[[0.0, 0.0], [1.0, 0.0]]]
    """
    encoded = F.one_hot(labels.long().clamp(min=0), n_classes).movedim(-1, 1).float()
    return encoded * counted(labels)


def chosen_classes(classes: Sequence[int] | None, n_classes: int) -> list[int]:
    """Return the classes that a loss looks at: those given, or all but the background.

    Raises
    ------
    SettingsError
        A class is not one of the network's, or they do not rise.
    """
    chosen = list(range(1, n_classes)) if classes is None else [int(c) for c in classes]
    if not chosen or chosen != sorted(set(chosen)) or chosen[0] < 0 or chosen[-1] >= n_classes:
        raise SettingsError(
            f"classes must be rising labels from 0 to {n_classes - 1}, the classes of the network, got {chosen}."
        )
    return chosen
