"""The boundary loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_seamless.errors import SettingsError
from napari_seamless.training.losses.targets import check_labels, chosen_classes, class_scores, counted

if TYPE_CHECKING:
    from collections.abc import Sequence


class BoundaryLoss(nn.Module):
    r"""Boundary loss in its integral form: the mean of softmax probability times signed distance.

    H. Kervadec, J. Bouchtiba, C. Desrosiers, E. Granger, J. Dolz, I. Ben Ayed, "Boundary loss for highly unbalanced
    segmentation", MIDL 2019, equation 5: the sum over all voxels of the distance to the boundary of a class (negative
    inside it) times its probability. Here it is divided by the number of voxels and classes, so that its size does not
    depend on the patch. It needs a region loss beside it: alone, it is smallest where nothing is anything.

    The maps must come from the whole volume. Made of a patch alone, a map knows nothing of what lies next to the patch,
    and is empty where the patch holds no part of a class.

    Parameters
    ----------
    classes : sequence of int or None
        Labels of the classes that count, rising; None for all but the background.

    Examples
    --------
    >>> distance_maps = torch.tensor([[[2.0, 1.0, -1.0, -2.0]]])  # one patch, class 1, four voxels
    >>> BoundaryLoss()(torch.zeros(1, 2, 4), distance_maps).item()
    0.0
    >>> BoundaryLoss()(torch.tensor([[[9.0, 9, 0, 0], [0, 0, 9, 9]]]), distance_maps).item() < -0.7
    True
    """

    def __init__(self, classes: Sequence[int] | None = None) -> None:
        super().__init__()
        self.classes = None if classes is None else tuple(classes)

    def forward(
        self, logits: torch.Tensor, distance_maps: torch.Tensor, labels: torch.Tensor | None = None
    ) -> torch.Tensor:
        r"""Return the loss.

        Parameters
        ----------
        logits : Tensor
            (batch, class, \*spatial); one channel is the logit of class 1.
        distance_maps : Tensor
            (batch, map, \*spatial): a map for each class of the network, or one for each of `classes` in their order.
            Negative inside.
        labels : Tensor or None
            (batch, \*spatial) integers; voxels with -1 do not count. None: all count.

        Raises
        ------
        SettingsError
            The shapes do not fit each other.
        """
        scores = class_scores(logits)
        classes = chosen_classes(self.classes, scores.shape[1])
        maps = self._maps_of(classes, scores, distance_maps)
        product = scores.softmax(1)[:, classes] * maps.to(scores.dtype)
        if labels is None:
            return product.mean()
        check_labels(logits, labels)
        where = counted(labels)
        # outside of what counts a map may hold anything, also what is not finite
        return torch.where(where, product, 0).sum() / (where.sum() * len(classes)).clamp(min=1)

    @staticmethod
    def _maps_of(classes: list[int], scores: torch.Tensor, distance_maps: torch.Tensor) -> torch.Tensor:
        n_maps = distance_maps.shape[1] if distance_maps.ndim > 1 else 0
        same_place = (distance_maps.shape[:1], distance_maps.shape[2:]) == (scores.shape[:1], scores.shape[2:])
        if not same_place or n_maps not in {len(classes), scores.shape[1]}:
            raise SettingsError(
                f"distance_maps must have the batch and space of the logits {tuple(scores.shape)} and a map for each "
                f"of {scores.shape[1]} classes or of the {len(classes)} that count, got {tuple(distance_maps.shape)}."
            )
        return distance_maps if n_maps == len(classes) else distance_maps[:, classes]
