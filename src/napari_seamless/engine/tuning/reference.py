"""What the candidates are compared with on the region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import VolumeError
from napari_seamless.quality import check_truth, dice_scores, surface_dice
from napari_seamless.types import NON_SPATIAL_AXES
from napari_seamless.volume import open_volume

if TYPE_CHECKING:
    from napari_seamless.types import Box, Volume

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """Labels of the region that count as right.

    Parameters
    ----------
    labels : numpy.ndarray
        region, integers.
    is_proxy : bool
        Whether they are a consensus of the network itself.
    spacing : tuple of float
        Voxel size.
    tolerance : float or None
        Of the surface Dice.
    """

    labels: Array
    is_proxy: bool
    spacing: tuple[float, ...]
    tolerance: float | None = None

    def dice(self, labels: Array, classes: tuple[str, ...]) -> dict[str, float | None]:
        """Return the Dice score of each class but the background."""
        return dice_scores(labels, self.labels, classes)

    def surface(self, labels: Array, classes: tuple[str, ...]) -> float | None:
        """Return the mean surface Dice over the classes that have a surface."""
        return mean_of(surface_dice(labels, self.labels, classes, spacing=self.spacing, tolerance=self.tolerance))


def truth_on(region: Box, volume: Volume, truth: Any, tolerance: float | None) -> Reference:
    """Return the reference labels of a region.

    Raises
    ------
    VolumeError
        The truth has another shape than the volume, no foreground in the region, or values that are no labels.
    """
    labels = open_volume(truth, missing_chunks="fill")
    check_truth(volume, labels)
    return Reference(labels=read_truth(labels, region), is_proxy=False, spacing=volume.spacing, tolerance=tolerance)


def consensus_on(region: Box, volume: Volume, labels: Array, tolerance: float | None) -> Reference:
    """Return labels of the network itself as a reference.

    Raises
    ------
    VolumeError
        All labels are 0: every setting would agree with them.
    """
    check_foreground(labels, region)
    return Reference(labels=labels, is_proxy=True, spacing=volume.spacing, tolerance=tolerance)


def read_truth(truth: Volume, region: Box) -> Array:
    """Return the labels of a region.

    Raises
    ------
    VolumeError
        There is no foreground, or there are values that are no labels.
    """
    slices = iter(region.slices)
    block = np.asarray(truth.data[tuple(0 if axis in NON_SPATIAL_AXES else next(slices) for axis in truth.axes)])
    if block.dtype.kind == "f" and not np.array_equal(np.trunc(block), block):
        raise VolumeError("truth holds values that are not whole numbers; choose a volume of labels.")
    labels: Array = block.astype(np.int64) if block.dtype.kind != "b" else block.astype(np.uint8)
    if not labels.any():
        raise VolumeError(
            f"The region from {region.start} to {region.stop} holds no foreground in truth; choose a region where the "
            "classes are."
        )
    return labels


def check_foreground(labels: Array, region: Box) -> None:
    """Refuse a consensus without foreground: every setting would agree with it.

    Raises
    ------
    VolumeError
        All labels are 0.
    """
    if not labels.any():
        raise VolumeError(
            f"The network finds nothing but background in the region from {region.start} to {region.stop}; choose a "
            "region where the classes are."
        )


def check_labels(labels: Array, classes: tuple[str, ...]) -> None:
    """Refuse labels that the network does not know.

    Raises
    ------
    VolumeError
        A label is no class.
    """
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= len(classes):
        raise VolumeError(
            f"truth holds the label {lowest if lowest < 0 else highest} in the region, but the classes of the network "
            f"have the labels 0 to {len(classes) - 1}; choose the labels that belong to this network."
        )


def mean_of(scores: dict[str, float | None]) -> float | None:
    """Return the mean of the scores that there are."""
    known = [score for score in scores.values() if score is not None]
    return sum(known) / len(known) if known else None
