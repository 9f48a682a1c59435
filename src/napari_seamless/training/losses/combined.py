"""Region losses and the boundary loss together, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_seamless.errors import SettingsError
from napari_seamless.training.losses.boundary import BoundaryLoss
from napari_seamless.training.losses.dice import DiceLoss, GeneralizedDiceLoss
from napari_seamless.training.losses.entropy import CrossEntropyLoss, FocalLoss
from napari_seamless.training.losses.hausdorff import HausdorffLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOSSES = ("cross_entropy", "focal", "dice", "generalized_dice", "hausdorff", "boundary")
"""Names that `make_loss` knows."""


class WeightedLoss(nn.Module):
    """A sum of region losses, and the boundary loss where there is one, with weights that a schedule moves.

    Parameters
    ----------
    regions : sequence of Module
        Called with logits and labels; their plain sum is the region loss.
    boundary : BoundaryLoss or None
        Called with logits, distance maps and labels.

    Attributes
    ----------
    region_weight, boundary_weight : float
        1 and 1 until they are set. The region weight is that of a loss with a boundary term; without one it is not
        looked at.

    Examples
    --------
    >>> loss = WeightedLoss([CrossEntropyLoss()], BoundaryLoss())
    >>> loss.region_weight, loss.boundary_weight = 0.5, 0.25
    >>> logits, labels = torch.zeros(1, 2, 2), torch.tensor([[0, 1]])
    >>> round(loss(logits, labels, torch.tensor([[[4.0, 2.0]]])).item(), 4)  # 0.5 log(2) + 0.25 * 1.5
    0.7216
    """

    def __init__(self, regions: Sequence[nn.Module], boundary: BoundaryLoss | None = None) -> None:
        super().__init__()
        self.regions = nn.ModuleList(regions)
        self.boundary = boundary
        self.region_weight = 1.0
        self.boundary_weight = 1.0

    @property
    def needs_distances(self) -> bool:
        """Whether distance maps must be given."""
        return self.boundary is not None

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, distance_maps: torch.Tensor | None = None
    ) -> torch.Tensor:
        r"""Return the weighted sum.

        Parameters
        ----------
        logits : Tensor
            (batch, class, \*spatial).
        labels : Tensor
            (batch, \*spatial) integers, -1 where a voxel does not count.
        distance_maps : Tensor or None
            (batch, map, \*spatial), see `BoundaryLoss`.

        Raises
        ------
        SettingsError
            There is a boundary loss and no distance map.
        """
        region: torch.Tensor = torch.zeros((), device=logits.device)
        for loss in self.regions:
            region = region + loss(logits, labels)
        if self.boundary is None:
            return region
        if distance_maps is None:
            raise SettingsError("The boundary loss needs distance_maps, got none; see signed_distance_map.")
        boundary: torch.Tensor = self.boundary(logits, distance_maps, labels)
        return self.region_weight * region + self.boundary_weight * boundary


def make_loss(name: str, classes: Sequence[int] | None = None) -> WeightedLoss:
    """Build a loss from names joined by a plus.

    Parameters
    ----------
    name : str
        One or more of `LOSSES`, such as ``"dice+boundary"`` or ``"cross_entropy+dice"``.
    classes : sequence of int or None
        Labels of the classes that Dice, generalised Dice, Hausdorff and boundary loss look at, rising; None for all but
        the background (for all in generalised Dice). Cross entropy and focal loss look at all.

    Raises
    ------
    SettingsError
        A name is unknown or comes twice.
    MissingDependencyError
        The Hausdorff loss needs MONAI.

    Examples
    --------
    >>> make_loss("dice+boundary").needs_distances
    True
    """
    names = [part.strip().replace("-", "_") for part in name.split("+")]
    if len(set(names)) < len(names) or not set(names) <= set(LOSSES):
        raise SettingsError(f"loss must be one or more of {', '.join(LOSSES)}, joined by +, got {name!r}.")
    regions = [_region(part, classes) for part in names if part != "boundary"]
    return WeightedLoss(regions, BoundaryLoss(classes) if "boundary" in names else None)


def _region(name: str, classes: Sequence[int] | None) -> nn.Module:
    if name in {"cross_entropy", "focal"}:
        return CrossEntropyLoss() if name == "cross_entropy" else FocalLoss()
    overlaps: dict[str, Callable[[Sequence[int] | None], nn.Module]] = {
        "dice": DiceLoss,
        "generalized_dice": GeneralizedDiceLoss,
        "hausdorff": HausdorffLoss,
    }
    return overlaps[name](classes)
