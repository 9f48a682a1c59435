"""Dice on painted voxels, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_seamless.models import load_model
from napari_seamless.patches import PatchReader
from napari_seamless.training.canvas import Canvas
from napari_seamless.training.painted_dice import painted_dice
from napari_seamless.training.painting import Painting
from napari_seamless.volume import open_volume


class Threshold(torch.nn.Module):
    """Logits of class 1 where the voxel is above 0.5; as one channel, or as two."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        logits = batch - 0.5
        return logits if self.channels == 1 else torch.cat([-logits, logits], dim=1)


@pytest.fixture
def case(tmp_path):
    array = np.zeros((8, 8, 8), np.float32)
    array[:, :, 4:] = 1
    volume = open_volume(array, axes=("z", "y", "x"))
    with Painting(tmp_path / "a.corrections.zarr", Canvas.of(volume, ("dark", "bright"))) as painting:
        yield volume, painting


@pytest.mark.parametrize("channels", [1, 2])
def test_dice_counts_painted_voxels_alone(case, channels):
    volume, painting = case
    painting[2, 2, 0:4] = 1  # four dark voxels, all right
    painting[2, 4, 2:6] = 2  # four bright ones, of which two are dark
    # dark: 2 * 4 / (6 said + 4 painted); bright: 2 * 2 / (2 said + 4 painted)
    model = load_model(Threshold(channels))
    found = painted_dice(model, PatchReader(volume), painting, (8, 8, 8), places=3)
    assert found == pytest.approx((8 / 10 + 4 / 6) / 2)


def test_without_paint_there_is_no_dice(case):
    volume, painting = case
    assert painted_dice(load_model(Threshold(2)), PatchReader(volume), painting, (8, 8, 8)) is None
