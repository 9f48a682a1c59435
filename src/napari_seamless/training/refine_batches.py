"""Batches around what is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_seamless.errors import SettingsError
from napari_seamless.training.losses.targets import UNPAINTED
from napari_seamless.training.painted_places import PaintedPlaces, box_around, counted_part

if TYPE_CHECKING:
    from napari_seamless.patches import PatchReader
    from napari_seamless.training.painting import Painting
    from napari_seamless.training.refine_settings import RefineSettings
    from napari_seamless.types import ModelSpec

_PATCH = 48


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaintedBatch:
    """Patches around painted voxels.

    Parameters
    ----------
    voxels : Tensor
        float32 (batch, channel, \\*patch).
    painted : Tensor
        int64 (batch, \\*patch): class indices, -1 where nothing is painted.
    labels : Tensor
        The same without what lies in the border of a patch.
    """

    voxels: torch.Tensor
    painted: torch.Tensor
    labels: torch.Tensor


class PaintedBatches:
    """Draw batches around what is painted at that moment, each painted class equally often.

    Parameters
    ----------
    reader : PatchReader
        Reads and normalises the volume.
    painting : Painting
        What is painted.
    settings : RefineSettings
        Patches in a batch, and their border.
    patch : tuple of int
        Voxels of a patch.
    """

    def __init__(
        self, reader: PatchReader, painting: Painting, settings: RefineSettings, patch: tuple[int, ...]
    ) -> None:
        self._reader = reader
        self._painting = painting
        self._settings = settings
        self._patch = patch
        self._places = PaintedPlaces(painting)

    @property
    def version(self) -> int:
        """The version of the painting that the last batch saw."""
        return self._places.version

    def draw(self, rng: np.random.Generator) -> PaintedBatch | None:
        """Return the next batch; None where nothing is painted."""
        shape, border = self._painting.shape, self._settings.border
        voxels, painted, labels = [], [], []
        for _ in range(self._settings.batch_size):
            voxel = self._places.draw(rng)
            if voxel is None:
                return None
            box = box_around(voxel, self._patch, shape, rng, border)
            classes = self._painting[box.slices].astype(np.int64) - 1
            inner = counted_part(box, shape, border)
            counted = np.full_like(classes, UNPAINTED)
            counted[inner] = classes[inner]
            voxels.append(self._reader.read(box))
            painted.append(classes)
            labels.append(counted)
        return PaintedBatch(
            voxels=torch.from_numpy(np.stack(voxels)),
            painted=torch.from_numpy(np.stack(painted)),
            labels=torch.from_numpy(np.stack(labels)),
        )


def patch_size(settings: RefineSettings, spec: ModelSpec, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the voxels of a patch: what is asked for or the network's own, at most the volume, as its divisor allows.

    Raises
    ------
    SettingsError
        The settings have another number of axes, or the volume is smaller than the network's divisor.

    Examples
    --------
    >>> from napari_seamless.training.refine_settings import RefineSettings
    >>> from napari_seamless.types import ModelSpec
    >>> patch_size(RefineSettings(), ModelSpec(name="net", divisor=(8,)), (100, 30, 100))
    (48, 24, 48)
    """
    n = len(shape)
    wanted = settings.patch_size or spec.patch_size or _PATCH
    sizes = wanted if isinstance(wanted, tuple) else (wanted,) * n
    divisor = spec.divisor if len(spec.divisor) == n else spec.divisor[:1] * n
    if len(sizes) != n:
        raise SettingsError(f"patch_size must have one value or {n}, one for each axis, got {sizes}.")
    fitting = tuple(min(size, length) // d * d for size, length, d in zip(sizes, shape, divisor, strict=True))
    if min(fitting) < 1:
        raise SettingsError(
            f"The network {spec.name} needs patches of a multiple of {divisor} voxels, but patch_size is {sizes} and "
            f"the volume {shape}; choose a larger patch or volume."
        )
    return fitting
