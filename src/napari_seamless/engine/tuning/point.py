"""What is known of a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.engine.tuning.candidate import Candidate
    from napari_seamless.types import BorderMode


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point:
    """A setting with its quality on the region and its cost over the whole volume.

    Parameters
    ----------
    candidate : Candidate
        The setting.
    patch_size : tuple of int
        Voxels per spatial axis.
    dice : float
        Mean over the classes that occur; against the consensus of the densest overlap where `is_proxy`.
    dice_per_class : mapping of str to (float or None)
        None for a class that occurs in neither.
    surface_dice : float or None
        Mean over the classes of the surface Dice at a tolerance; None where no class has a surface in the region.
    seam_energy : float or None
        Mean disagreement of the patches where they overlap; None where none do.
    patches : int
        Patches of a run over the whole volume.
    seconds : float
        Predicted wall time of such a run.
    stages : mapping of str to float
        Predicted busy seconds by stage: read, forward, blend, write.
    is_proxy : bool
        Whether there was no truth.
    """

    candidate: Candidate
    patch_size: tuple[int, ...]
    dice: float
    dice_per_class: Mapping[str, float | None]
    surface_dice: float | None
    seam_energy: float | None
    patches: int
    seconds: float
    stages: Mapping[str, float]
    is_proxy: bool

    @property
    def overlap(self) -> float | tuple[float, ...]:
        """1 - step / patch size."""
        return self.candidate.overlap

    @property
    def border(self) -> BorderMode:
        """The border mode."""
        return self.candidate.border

    @property
    def window(self) -> str:
        """Kind of the window, or what a window of given weights is called."""
        return self.candidate.name or self.candidate.shape.kind

    @property
    def efficiency(self) -> float:
        """Dice per second of a run over the whole volume."""
        return self.dice / self.seconds if self.seconds > 0 else 0.0

    @property
    def setting(self) -> str:
        """The setting in words."""
        return self.candidate.words

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        overlap = self.overlap
        return {
            "patch_size": list(self.patch_size),
            "overlap": list(overlap) if isinstance(overlap, tuple) else overlap,
            "border": self.border,
            "window": self.window,
            "dice": self.dice,
            "dice_per_class": dict(self.dice_per_class),
            "surface_dice": self.surface_dice,
            "seam_energy": self.seam_energy,
            "patches": self.patches,
            "seconds": self.seconds,
            "stages": dict(self.stages),
            "efficiency": self.efficiency,
            "is_proxy": self.is_proxy,
        }
