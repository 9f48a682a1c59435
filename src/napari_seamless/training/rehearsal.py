"""What a network said before, as labels where nobody has painted, so that it does not forget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from napari_seamless.training.losses.targets import UNPAINTED
from napari_seamless.types import Box

if TYPE_CHECKING:
    import numpy as np

    from napari_seamless.patches import PatchReader
    from napari_seamless.training.painting import Painting
    from napari_seamless.training.refine_settings import RefineSettings
    from napari_seamless.training.trainable import TrainableNetwork

APART = 4
"""Voxels around paint that are not rehearsed: the network was wrong there, and not only under the brush."""


class Rehearsal:
    """Patches anywhere in the volume with the confident part of a network's answer.

    Parameters
    ----------
    teacher : TrainableNetwork
        The network whose answers are rehearsed.
    reader : PatchReader
        Reads the volume.
    painting : Painting
        Near its paint nothing is rehearsed.
    settings : RefineSettings
        How many patches, and how sure the network must be.
    patch : tuple of int
        Voxels of a patch.
    """

    def __init__(
        self,
        teacher: TrainableNetwork,
        reader: PatchReader,
        painting: Painting,
        settings: RefineSettings,
        patch: tuple[int, ...],
    ) -> None:
        self._teacher = teacher
        self._reader = reader
        self._painting = painting
        self._settings = settings
        self._patch = patch
        self._answers: list[tuple[Box, torch.Tensor]] = []
        self._next = 0

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the next patch: voxels (1, channel, \\*patch) float32, and labels (1, \\*patch) int64, -1 for none."""
        if len(self._answers) < self._settings.rehearsal_patches:
            start = tuple(
                int(rng.integers(0, n - size + 1)) for n, size in zip(self._painting.shape, self._patch, strict=True)
            )
            box = Box(start, tuple(a + size for a, size in zip(start, self._patch, strict=True)))
            voxels = torch.from_numpy(self._reader.read(box))[None]
            self._answers.append((box, self._answer(voxels)))
        else:
            box = self._answers[self._next % len(self._answers)][0]
            voxels = torch.from_numpy(self._reader.read(box))[None]
        labels = self._answers[self._next % len(self._answers)][1].clone()
        self._next += 1
        labels[near(torch.from_numpy(self._painting[box.slices] > 0), APART)] = UNPAINTED
        return voxels, labels[None].long()

    def _answer(self, voxels: torch.Tensor) -> torch.Tensor:
        """Return the network's class where it is sure, -1 elsewhere: (\\*patch) int16."""
        with torch.inference_mode():
            logits = self._teacher.logits(voxels)[0]
            if len(logits) == 1:
                logits = torch.cat([torch.zeros_like(logits), logits])
            sure, labels = logits.softmax(dim=0).max(dim=0)
        # a tensor of inference mode cannot be used for training
        labels = torch.where(sure >= self._settings.confidence, labels, UNPAINTED)
        return torch.from_numpy(labels.short().cpu().numpy().copy())


def near(mask: torch.Tensor, distance: int) -> torch.Tensor:
    """Return where a mask holds within some voxels along every axis.

    Examples
    --------
    >>> near(torch.tensor([False, True, False, False]), 1).tolist()
    [True, True, True, False]
    """
    if not bool(mask.any()):
        return mask
    grown = mask.float()
    for axis in range(mask.ndim):
        lines = grown.movedim(axis, -1)
        shape = lines.shape
        lines = F.max_pool1d(lines.reshape(1, -1, shape[-1]), 2 * distance + 1, stride=1, padding=distance)
        grown = lines.reshape(shape).movedim(-1, axis)
    return grown > 0
