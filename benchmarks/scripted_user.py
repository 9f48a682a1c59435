"""A person who corrects a network, played by a script: paint where the prediction is wrong, refine, look again."""

from __future__ import annotations

import copy
import dataclasses
import statistics
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless import segment
from napari_seamless.models import TorchModel
from napari_seamless.models.adapter import module_hash
from napari_seamless.quality import dice_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.training.painting import Painting
    from napari_seamless.types import Box, Model, Volume

Array = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """How somebody paints.

    Parameters
    ----------
    strokes : int
        Discs in each round.
    radius : int
        Of a disc, in voxels of a slice.
    """

    strokes: int = 20
    radius: int = 5

    def paint(self, painting: Painting, truth: Array, prediction: Array, region: Box, rng: np.random.Generator) -> int:
        """Paint discs on wrong voxels of a region, as many for each true class, in the class of their centre.

        A disc covers the voxels of its class alone, as a careful brush does, right ones and wrong ones. `truth` and
        `prediction` are cut to the region. Returns how many voxels were painted anew.
        """
        before = sum(painting.n_painted.values())
        wrong = {k: np.argwhere((truth == k) & (prediction != k)) for k in np.unique(truth)}
        wrong = {k: places for k, places in wrong.items() if len(places)}
        for i in range(self.strokes if wrong else 0):
            k = sorted(wrong)[i % len(wrong)]
            z, y, x = wrong[k][rng.integers(len(wrong[k]))]
            rows, columns = np.ogrid[: truth.shape[1], : truth.shape[2]]
            disc = ((rows - y) ** 2 + (columns - x) ** 2 <= self.radius**2) & (truth[z] == k)
            ys, xs = np.nonzero(disc)
            zs = np.full(ys.size, z)
            painting[tuple(c + a for c, a in zip((zs, ys, xs), region.start, strict=True))] = int(k) + 1
        return sum(painting.n_painted.values()) - before


def weakened(model: TorchModel, amount: float, seed: int = 0) -> TorchModel:
    """Return a copy of a network whose convolutions are off by a random part of their spread."""
    network = copy.deepcopy(model.network)
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in (p for p in network.parameters() if p.ndim > 1):
            weight.add_(amount * weight.std() * torch.randn(weight.shape, generator=noise))
    return TorchModel(network, dataclasses.replace(model.spec, name="weakened", sha256=module_hash(network)))


def predict(image: Volume, model: Model, region: Box, **settings: Any) -> Array:
    """Return the labels of a region, as a run over everything would."""
    return np.asarray(segment(image, model, region=region, device="cpu", **settings).array)


def mean_dice(labels: Array, truth: Array, classes: Sequence[str]) -> float:
    """Return the mean Dice over the classes that occur."""
    return statistics.fmean(d for d in dice_scores(labels, truth, classes).values() if d is not None)
