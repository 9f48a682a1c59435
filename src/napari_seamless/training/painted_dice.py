"""How well a network agrees with what a person has painted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.training.losses.targets import class_scores
from napari_seamless.training.painted_places import PaintedPlaces, box_around

if TYPE_CHECKING:
    from napari_seamless.models import TorchModel
    from napari_seamless.patches import PatchReader
    from napari_seamless.training.painting import Painting

Counts = np.ndarray[Any, np.dtype[np.int64]]

PLACES = 8


def painted_dice(
    model: TorchModel, reader: PatchReader, painting: Painting, patch: tuple[int, ...], *, places: int = PLACES
) -> float | None:
    """Return the mean Dice over the painted classes, in patches around some painted places.

    The places depend on what is painted alone, so that states of a network can be compared.

    Parameters
    ----------
    model : TorchModel
        On the CPU, such as `Refiner.network` returns before anything has moved it.
    reader : PatchReader
        Reads and normalises the volume.
    painting : Painting
        What is painted.
    patch : tuple of int
        Voxels of a patch.
    places : int
        Patches at most.

    Returns
    -------
    float or None
        In [0, 1]; None where nothing is painted.
    """
    rng, drawn = np.random.default_rng(0), PaintedPlaces(painting)
    confusion: Counts = np.zeros((0, 0), np.int64)
    for _ in range(places):
        voxel = drawn.draw(rng)
        if voxel is None:
            return None
        box = box_around(voxel, patch, painting.shape, rng, 0.25)
        truth = painting[box.slices].astype(np.int64) - 1
        labels = _labels(model, reader.read(box))
        confusion = _added(confusion, labels[truth >= 0], truth[truth >= 0])
    both, each = confusion.diagonal(), confusion.sum(axis=0) + confusion.sum(axis=1)
    painted = confusion.sum(axis=0) > 0
    return float((2 * both[painted] / each[painted]).mean())


def _labels(model: TorchModel, voxels: np.ndarray[Any, np.dtype[np.float32]]) -> Counts:
    weight = next(iter(model.network.parameters()), None) if isinstance(model.network, torch.nn.Module) else None
    device = None if weight is None else weight.device
    with torch.inference_mode():
        logits = model.network(torch.from_numpy(voxels)[None].to(device))
    labels: Counts = class_scores(logits)[0].argmax(dim=0).cpu().numpy()
    return labels


def _added(
    confusion: Counts,
    labels: Counts,
    truth: Counts,
) -> Counts:
    """Return a confusion matrix (label, truth) with more voxels, enlarged where they need it."""
    n = max(len(confusion), int(max(labels.max(initial=-1), truth.max(initial=-1))) + 1)
    grown: Counts = np.zeros((n, n), np.int64)
    grown[: len(confusion), : len(confusion)] = confusion
    np.add.at(grown, (labels, truth), 1)
    return grown
