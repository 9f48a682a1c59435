"""Dice scores against MONAI, against counts by hand, and streamed against whole."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import torch
import zarr

from napari_seamless.errors import SettingsError, VolumeError
from napari_seamless.quality import check_truth, dice_scores
from napari_seamless.types import Level, Volume

CLASSES = ("background", "white matter", "grey matter")


def pair(shape=(21, 34, 17), n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, shape)
    labels = np.where(rng.random(shape) < 0.7, truth, rng.integers(0, n_classes, shape))
    return labels.astype(np.uint8), truth.astype(np.uint8)


def as_volume(data, axes="zyx"):
    n_spatial = len([a for a in axes if a not in "ct"])
    level = Level(data=data, spacing=(1.0,) * n_spatial, translation=(0.0,) * n_spatial)
    return Volume(name="labels", axes=tuple(axes), levels=(level,), units=(None,) * n_spatial)


def stored(path, data, chunks):
    array = zarr.create_array(path, shape=data.shape, dtype=data.dtype, chunks=chunks)
    array[:] = data
    return array


def test_scores_equal_monai():
    from monai.metrics import DiceMetric

    labels, truth = pair()
    one_hot = [torch.nn.functional.one_hot(torch.from_numpy(a).long(), 3).movedim(-1, 0)[None] for a in (labels, truth)]
    metric = DiceMetric(include_background=False, reduction="none")
    expected = metric(*one_hot)[0].tolist()
    scores = dice_scores(labels, truth, CLASSES)
    assert list(scores) == ["white matter", "grey matter"]
    assert list(scores.values()) == pytest.approx(expected, abs=1e-6)


def test_scores_counted_by_hand():
    labels = np.array([[[0, 1, 1, 1, 2, 0]]])
    truth = np.array([[[0, 1, 1, 2, 2, 2]]])
    assert dice_scores(labels, truth, CLASSES) == {"white matter": 2 * 2 / (3 + 2), "grey matter": 2 * 1 / (1 + 3)}


@pytest.mark.parametrize(
    ("wrap_labels", "wrap_truth"),
    [
        (lambda a, path: stored(path / "a", a, (8, 8, 8)), lambda a, path: stored(path / "b", a, (5, 34, 3))),
        (lambda a, path: da.from_array(a, chunks=(4, 9, 16)), lambda a, path: a.astype(np.float32)),
        (lambda a, path: as_volume(a), lambda a, path: as_volume(stored(path / "c", a[None], (1, 7, 7, 7)), "czyx")),
    ],
    ids=["zarr with other chunks", "dask with floats", "volumes, one with a channel axis of length 1"],
)
def test_streamed_scores_are_exact(tmp_path, wrap_labels, wrap_truth):
    labels, truth = pair()
    expected = {
        name: 2 * np.sum((labels == i) & (truth == i)) / (np.sum(labels == i) + np.sum(truth == i))
        for i, name in enumerate(CLASSES)
        if i
    }
    assert dice_scores(wrap_labels(labels, tmp_path), wrap_truth(truth, tmp_path), CLASSES) == expected


class Recorder:
    """An array that notes the size of every read."""

    def __init__(self, data, chunks):
        self.data, self.chunks, self.reads = data, chunks, []

    shape = property(lambda self: self.data.shape)
    dtype = property(lambda self: self.data.dtype)

    def __getitem__(self, key):
        block = self.data[key]
        self.reads.append(block.size)
        return block


def test_reads_no_more_than_a_chunk_at_a_time_and_every_voxel_once():
    labels, truth = (Recorder(a, (16, 16, 16)) for a in pair((40, 33, 16)))
    dice_scores(labels, truth, CLASSES)
    assert max(labels.reads) <= 16**3
    assert sum(labels.reads) == sum(truth.reads) == 40 * 33 * 16


def test_a_store_with_one_huge_chunk_is_still_read_in_blocks():
    huge = np.broadcast_to(np.uint8(1), (400, 400, 400))
    labels, truth = Recorder(huge, (400, 400, 400)), Recorder(huge, None)
    assert dice_scores(labels, truth, CLASSES)["white matter"] == 1.0
    assert max(labels.reads) <= 128**3


def test_a_class_in_neither_volume_has_no_score():
    labels = np.array([0, 1, 1])
    assert dice_scores(labels, labels, CLASSES) == {"white matter": 1.0, "grey matter": None}


def test_a_class_in_one_volume_only_scores_zero():
    assert dice_scores(np.array([0, 1]), np.array([0, 2]), CLASSES) == {"white matter": 0.0, "grey matter": 0.0}


@pytest.mark.parametrize(
    ("truth", "says"),
    [
        (np.zeros((4, 5, 7), np.uint8), r"truth has the shape 4 x 5 x 7, .* 4 x 5 x 6 voxels"),
        (np.zeros((5, 6), np.uint8), r"truth has the shape 5 x 6"),
        (np.full((4, 5, 6), 3), r"truth holds the value 3, but the classes have the labels 0 to 2"),
        (np.full((4, 5, 6), -1), r"truth holds the value -1"),
        (np.full((4, 5, 6), 0.5), r"truth holds values that are not whole numbers"),
        (as_volume(np.zeros((2, 4, 5, 6)), "czyx"), r"truth must have one label per voxel, .* c, z, y, x"),
    ],
    ids=["shape", "axes", "label too high", "label too low", "probabilities", "channels"],
)
def test_a_truth_that_does_not_fit_is_named(truth, says):
    with pytest.raises(VolumeError, match=says):
        dice_scores(np.zeros((4, 5, 6), np.uint8), truth, CLASSES)


def test_not_a_number_is_no_label():
    with pytest.raises(VolumeError, match="truth holds"):
        dice_scores(np.zeros(3, np.uint8), np.array([0, np.nan, 1]), CLASSES)


@pytest.mark.parametrize("classes", [(), ("background",), ("background", "cell", "cell")])
def test_classes_must_be_named_once(classes):
    with pytest.raises(SettingsError, match="classes must name"):
        dice_scores(np.zeros(3, np.uint8), np.zeros(3, np.uint8), classes)


def test_the_input_of_a_run_may_have_channels():
    check_truth(as_volume(np.zeros((2, 4, 5, 6)), "czyx"), np.zeros((4, 5, 6)))
