"""Scores and errors by distance, of networks whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_seamless.training.oss_net import BorderError
from napari_seamless.training.oss_net.border_error import distances_at
from napari_seamless.training.oss_net.evaluation import evaluate
from napari_seamless.training.oss_net.history import iou_of
from napari_seamless.training.oss_net.parts import open_parts
from napari_seamless.training.oss_net.samples import PartReader, measure
from napari_seamless.training.oss_net.trainees import build_trainee
from napari_seamless.types import Box


class Above(torch.nn.Module):
    """Answers by the voxel alone: is it above a level?"""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.size = (16, 16, 16)
        self.level = torch.nn.Parameter(torch.tensor(level))

    def forward(self, voxels, coordinates):
        z, y, x = (coordinates[0] + 7).T
        return (voxels[0, 0, z, y, x] - self.level)[None, :, None] * 1e3, None


@pytest.fixture
def reader(pair, quick):
    labels = pair[1]
    part = open_parts([(labels.astype(np.float32), labels)], (), quick())[0]
    return PartReader(part, 1, measure(part.image))


def test_a_perfect_answer_scores_one_and_its_opposite_none(reader, quick):
    found = evaluate(Above(0.0), [reader], quick(), by_distance=True)
    assert found.dice == {"inside": 1.0}
    assert found.iou == {"inside": 1.0}
    assert all(row["wrong"] in {0.0, None} for row in found.by_distance)
    assert evaluate(Above(1e3), [reader], quick()).dice == {"inside": 0.0}


def test_dice_of_saying_yes_everywhere_is_that_of_the_share(reader, quick, pair):
    share = float(pair[1].mean())
    found = evaluate(Above(-1e3), [reader], quick(validation_coordinates=4096))
    assert found.dice["inside"] == pytest.approx(2 * share / (1 + share), abs=0.02)
    assert found.iou["inside"] == pytest.approx(iou_of(found.dice["inside"]))


def test_an_evaluation_is_the_same_again_and_leaves_the_network_in_training(pair, quick):
    settings = quick()
    part = open_parts([pair], (), settings)[0]
    reader = PartReader(part, 1, measure(part.image))
    trainee = build_trainee(settings, 1, part.box.shape).train()
    first, second = (evaluate(trainee, [reader], settings, by_distance=True) for _ in range(2))
    assert first == second
    assert trainee.training
    assert sum(row["coordinates"] for row in first.by_distance) == first.coordinates


def test_distances_are_those_to_the_faces_of_voxels():
    labels = np.zeros((20, 20, 20), np.int64)
    labels[:, :, 10:] = 1
    crop = Box((4, 4, 4), (16, 16, 16))
    filled = Box((0, 0, 0), (20, 20, 20))
    at = np.array([[0, 0, 5], [0, 0, 6], [3, 3, 0], [2, 2, 11]])
    found = distances_at(labels, filled, crop, at, (2.0, 2.0, 2.0))
    assert found.tolist() == [0.5, -0.5, 5.5, -5.5]
    assert np.isinf(distances_at(labels * 0, filled, crop, at, (1.0, 1.0, 1.0))).all()
    assert ndimage.distance_transform_edt(labels == 0)[4, 4, 9] - 0.5 == found[0]


def test_bins_count_errors_where_they_are():
    error = BorderError((0.5, 1.0, 1.0))
    distances = np.array([-20.0, -0.5, 0.0, 0.5, 3.0, np.inf])
    error.add(distances, np.array([1.0, 0.4, 0.7, 0.1, 0.0, 0.9]), np.array([1, 1, 0, 0, 0, 0]))
    rows = {row["voxels"]: row for row in error.rows()}
    assert rows["below -8"] | {} == {
        "voxels": "below -8", "from": None, "to": -4.0, "coordinates": 1, "error": 0.0, "wrong": 0.0,
    }  # fmt: skip
    assert rows["-1 to 0"]["wrong"] == 1.0
    assert rows["0 to 1"]["error"] == pytest.approx(0.4)
    assert rows["0 to 1"]["wrong"] == 0.5
    assert rows["2 to 4"]["wrong"] == 0.0
    assert rows["above 8"]["error"] == pytest.approx(0.9)
    assert rows["4 to 8"]["error"] is None
