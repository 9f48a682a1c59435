"""Random changes of a patch: the same moves for image, labels and distance maps; other intensities for the image."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError
from napari_seamless.training.pair import same_spacing

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """What may happen to a patch.

    Flips and turns by 90 degrees take voxels to voxels, so that a distance map moves with its labels and stays right.
    Nothing is rescaled or bent: a distance map would have to be computed anew from the changed volume.

    Parameters
    ----------
    flips : bool
        Mirror each axis in one of two patches.
    rotations : bool
        Turn by 0, 90, 180 or 270 degrees in each plane whose axes have the same patch size and spacing.
    brightness, contrast, noise : float
        Standard deviation of what is added to the whole image, of the logarithm of a factor for the whole image, and
        of the noise added to each voxel; in the unit of normalised intensities.

    Raises
    ------
    SettingsError
        A standard deviation is negative.
    """

    flips: bool = True
    rotations: bool = True
    brightness: float = 0.1
    contrast: float = 0.1
    noise: float = 0.05

    def __post_init__(self) -> None:
        if min(self.brightness, self.contrast, self.noise) < 0:
            raise SettingsError(
                "brightness, contrast and noise are standard deviations and must not be negative, got "
                f"{self.brightness:g}, {self.contrast:g} and {self.noise:g}."
            )

    def moves(self, shape: tuple[int, ...], spacing: tuple[float, ...], rng: np.random.Generator) -> Moves:
        """Draw moves for a patch of a shape in voxels and a spacing."""
        n = len(shape)
        flipped = tuple(axis for axis in range(n) if self.flips and rng.random() < 0.5)
        planes = [
            (a, b)
            for a, b in itertools.combinations(range(n), 2)
            if self.rotations and shape[a] == shape[b] and same_spacing((spacing[a],), (spacing[b],))
        ]
        return Moves(flips=flipped, turns=tuple((a, b, int(rng.integers(4))) for a, b in planes))

    def recolored(self, image: Array, rng: np.random.Generator) -> Array:
        r"""Return an image (channel, \*spatial) float32 with other intensities."""
        factor = np.float32(np.exp(rng.normal(0, self.contrast)))
        changed = image * factor + np.float32(rng.normal(0, self.brightness))
        if self.noise:
            changed += np.float32(self.noise) * rng.standard_normal(image.shape, dtype=np.float32)
        return np.asarray(changed, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Flips and turns that take a grid of voxels to itself.

    Parameters
    ----------
    flips : sequence of int
        Spatial axes that are mirrored, before the turns.
    turns : sequence of (int, int, int)
        Two spatial axes, and how often to turn by 90 degrees from the first towards the second.
    """

    flips: Sequence[int] = ()
    turns: Sequence[tuple[int, int, int]] = ()

    def apply(self, array: Array, first_axis: int) -> Array:
        """Return an array, moved, contiguous; its spatial axes begin at `first_axis`.

        Examples
        --------
        >>> Moves(flips=(1,)).apply(np.array([[1, 2], [3, 4]]), 0).tolist()
        [[2, 1], [4, 3]]
        """
        moved = np.flip(array, tuple(first_axis + axis for axis in self.flips))
        for a, b, times in self.turns:
            moved = np.rot90(moved, times, (first_axis + a, first_axis + b))
        return np.ascontiguousarray(moved)
