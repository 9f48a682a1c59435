"""How good a network is on whole volumes, by the engine that will run it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.engine import segment
from napari_seamless.models import TorchModel
from napari_seamless.quality import dice_scores

if TYPE_CHECKING:
    from pathlib import Path

    from napari_seamless.engine import Control
    from napari_seamless.training.label_array import LabelArray
    from napari_seamless.training.pair import TrainingPair
    from napari_seamless.training.preparation import Task
    from napari_seamless.types import ArrayLike

LARGE = 2**27
"""Voxels from which the labels of a validation go to the disk."""
_LEFT_OUT = "(left out)"


class Counted:
    """Labels with one more class where the truth does not count, so that a score of the others leaves that place out.

    Parameters
    ----------
    labels : ArrayLike
        Labels of the network, or the truth itself; the truth's shape.
    truth : LabelArray
        -1 where a voxel does not count.
    extra : int
        Label of the class.
    """

    def __init__(self, labels: ArrayLike, truth: LabelArray, extra: int) -> None:
        self._labels, self._truth, self._extra = labels, truth, extra
        self.shape = truth.shape
        self.dtype = truth.dtype
        self.chunks = truth.chunks

    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        return np.where(self._truth[key] < 0, self._extra, np.asarray(self._labels[key]))


def partial_dice(labels: ArrayLike, truth: LabelArray, classes: tuple[str, ...]) -> dict[str, float | None]:
    """Return the Dice score of each class but the background, over the voxels that count.

    Parameters
    ----------
    labels : ArrayLike
        Labels of the network.
    truth : LabelArray
        -1 where a voxel does not count.
    classes : tuple of str
        Names by label.

    Examples
    --------
    >>> from napari_seamless.training.label_array import LabelArray
    >>> from napari_seamless.volume import open_volume
    >>> truth = LabelArray(open_volume(np.array([[0, 1, 1, -1]])))
    >>> partial_dice(np.array([[0, 1, 1, 0]]), truth, ("background", "cell"))
    {'cell': 1.0}
    """
    extra = len(classes)
    scores = dice_scores(Counted(labels, truth, extra), Counted(truth, truth, extra), (*classes, _LEFT_OUT))
    del scores[_LEFT_OUT]
    return scores


def validate(task: Task, folder: Path, control: Control) -> dict[str, float | None]:
    """Segment the validation volumes with a copy of the network as it is, and compare with their labels.

    Parameters
    ----------
    task : Task
        Network, volumes and settings.
    folder : pathlib.Path
        Labels of large volumes are written here.
    control : Control
        Cancels and pauses.

    Returns
    -------
    dict of str to float or None
        Mean over the volumes that have the class; None where none has.
    """
    # the engine may change the layout of weights in memory, which training must not notice
    spec, settings = task.spec, task.settings
    model = TorchModel(copy.deepcopy(task.step.network), spec)
    found: dict[str, list[float]] = {name: [] for name in spec.classes[1:]}
    for pair in task.validation:
        result = segment(
            pair.image,
            model,
            folder / "validation.ome.zarr" if _is_large(pair) else None,
            patch_size=spec.patch_size,
            overlap=settings.validation_overlap,
            device=settings.device,
            overwrite=True,
            control=control,
        )
        for name, score in partial_dice(result.array, pair.labels, spec.classes).items():
            found[name] += [] if score is None else [score]
    return {name: sum(scores) / len(scores) if scores else None for name, scores in found.items()}


def _is_large(pair: TrainingPair) -> bool:
    return int(np.prod(pair.labels.shape, dtype=np.int64)) > LARGE
