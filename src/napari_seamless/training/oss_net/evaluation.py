"""How good a network is at coordinates that it has not seen."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.training.oss_net.border_error import REACH, BorderError, distances_at
from napari_seamless.training.oss_net.samples import draw_coordinates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.engine import Control
    from napari_seamless.training.oss_net.samples import PartReader
    from napari_seamless.training.oss_net.settings import OccupancyTrainingSettings
    from napari_seamless.training.oss_net.trainees import Trainee
    from napari_seamless.types import Box

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Scores over coordinates drawn evenly from parts.

    Parameters
    ----------
    dice, iou : mapping of str to (float or None)
        By class; None for a class that neither labels nor network have there.
    coordinates : int
        How many were asked.
    by_distance : list of mapping
        Rows of `BorderError`; empty where it was not measured.
    """

    dice: dict[str, float | None]
    iou: dict[str, float | None]
    coordinates: int
    by_distance: list[dict[str, Any]] = field(default_factory=list)


@torch.no_grad()
def evaluate(
    trainee: Trainee,
    readers: Sequence[PartReader],
    settings: OccupancyTrainingSettings,
    control: Control | None = None,
    *,
    by_distance: bool = False,
) -> Evaluation:
    """Ask a network, as it is in use, at coordinates that are the same in every call.

    Parameters
    ----------
    trainee : Trainee
        The network; left as it came.
    readers : sequence of PartReader
        Parts that crops cover without gaps.
    settings : OccupancyTrainingSettings
        Coordinates of each crop, classes, seed.
    control : Control, optional
        Cancels between two crops.
    by_distance : bool
        Whether errors are measured by distance from the border.
    """
    device = next(trainee.parameters()).device
    spacing = readers[0].part.image.spacing
    error = BorderError(spacing)
    sums = np.zeros((3, max(1, settings.classes - 1)))
    asked, training = 0, trainee.training
    trainee.eval()
    try:
        for number, (reader, box, cell) in enumerate(_crops(readers, trainee.size)):
            if control is not None:
                control.checkpoint()
            rng = np.random.default_rng([settings.seed, 2, number])
            crop = reader.read(box, with_border=False)
            counted = np.full_like(crop.labels, -1)
            own = cell.within(box.start).slices
            counted[own] = crop.labels[own]
            valid = float((counted >= 0).sum())
            if not valid:
                continue
            at = draw_coordinates(counted, None, settings.validation_coordinates, 0.0, rng)
            labels = crop.labels[tuple(at.T)]
            answers = _answers(trainee, crop.voxels, at, device)
            sums += _overlaps(answers, labels) * (valid / len(at))
            asked += len(at)
            if by_distance:
                _add_errors(error, reader, box, at, (answers, labels))
    finally:
        trainee.train(training)
    rows = error.rows() if by_distance else []
    return Evaluation(dice=_scores(sums, 2.0), iou=_scores(sums, 1.0), coordinates=asked, by_distance=rows)


def _answers(trainee: Trainee, voxels: Array, at: Array, device: torch.device) -> Array:
    """Return (n, class) probabilities with one for the background, or (n, 1) occupancies."""
    logits, _ = trainee(torch.from_numpy(voxels)[None].to(device), torch.from_numpy(at)[None].to(device))
    scores = logits[0].float()
    probabilities = scores.sigmoid() if scores.shape[1] == 1 else scores.softmax(1)
    return np.asarray(probabilities.cpu().numpy())


def _overlaps(answers: Array, labels: Array) -> Array:
    """Return what network and labels have in common, what the network has, what the labels have, by class."""
    if answers.shape[1] == 1:
        found, truth = (answers[:, 0] > 0.5).astype(int), (labels > 0).astype(int)
    else:
        found, truth = answers.argmax(1), labels
    classes = range(1, max(2, answers.shape[1]))
    rows = [[((found == c) & (truth == c)).sum(), (found == c).sum(), (truth == c).sum()] for c in classes]
    return np.array(rows, dtype=float).T


def _scores(sums: Array, times: float) -> dict[str, float | None]:
    """Return Dice scores (2) or intersections over unions (1) by class."""
    common, found, truth = sums
    below = found + truth - (common if times == 1.0 else 0.0)
    names = ["inside"] if len(common) == 1 else [f"class {i + 1}" for i in range(len(common))]
    return {n: float(times * c / b) if b else None for n, c, b in zip(names, common, below, strict=True)}


def _add_errors(error: BorderError, reader: PartReader, box: Box, at: Array, said: tuple[Array, Array]) -> None:
    answers, labels = said
    around, filled = reader.labels_around(box, REACH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # coarse spacing was told of when the volume was opened
        distances = distances_at(around, filled, box, at, reader.part.image.spacing)
    error.add(distances, answers[:, 0] if answers.shape[1] == 1 else 1 - answers[:, 0], labels)


def _crops(readers: Sequence[PartReader], size: tuple[int, ...]) -> list[tuple[PartReader, Box, Box]]:
    return [(reader, box, cell) for reader in readers for box, cell in reader.part.crops(size)]
