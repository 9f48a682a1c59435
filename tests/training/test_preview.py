"""A preview is what a run over everything would put there."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_seamless import segment
from napari_seamless.models import load_model
from napari_seamless.models.adapter import TorchModel
from napari_seamless.patches import volume_statistics
from napari_seamless.training.preview import OVERLAP, part_in_sight, preview
from napari_seamless.types import Box, Normalization
from napari_seamless.volume import open_volume

BOX = Box((7, 3, 5), (8, 20, 22))


@pytest.mark.parametrize("kind", ["none", "minmax", "zscore"])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_preview_of_a_box_equals_a_run_over_everything(kind, channels):
    rng = np.random.default_rng(0)
    array = 50 + 20 * rng.random((channels, 16, 24, 24), np.float32)
    volume = open_volume(array, axes=("c", "z", "y", "x"))
    torch.manual_seed(0)
    plain = load_model(torch.nn.Conv3d(channels, 3, 3, padding=1), activation="softmax")
    normalization = Normalization(kind=kind)
    model = TorchModel(plain.network, dataclasses.replace(plain.spec, normalization=normalization))
    whole = segment(volume, model, patch_size=8, overlap=OVERLAP, border="edge", device="cpu")
    statistics = volume_statistics(volume, normalization)
    part = preview(volume, model, statistics, BOX, patch_size=8, device="cpu")
    np.testing.assert_array_equal(part.array, np.asarray(whole.array)[BOX.slices])


def test_a_preview_reads_only_what_its_patches_see():
    class Watched:
        def __init__(self) -> None:
            self.data, self.read = np.zeros((64, 64, 64), np.float32), np.zeros((64, 64, 64), bool)
            self.shape, self.dtype, self.ndim = self.data.shape, self.data.dtype, 3

        def __getitem__(self, key):
            self.read[key] = True
            return self.data[key]

    array = Watched()
    volume = open_volume(array, axes=("z", "y", "x"))
    model = TorchModel(torch.nn.Identity(), load_model(torch.nn.Identity()).spec)
    statistics = volume_statistics(open_volume(array.data, axes=("z", "y", "x")), Normalization())
    preview(volume, model, statistics, Box((8, 8, 8), (9, 12, 12)), patch_size=16, device="cpu")
    assert array.read[:16, :16, :16].all()
    assert array.read.sum() <= 4 * 16**3, "more than the patch and the few that a run looks at first"


@pytest.mark.parametrize("n_patches", [1, 2, 5, 12, 1000])
def test_the_part_in_sight_is_the_middle_and_bounded(n_patches):
    box, patch = Box((7, 10, 0), (8, 310, 90)), (32, 32, 48)
    part = part_in_sight(box, patch, n_patches)
    assert part.intersect(box) == part
    for a, b, first, last in zip(box.start, box.stop, part.start, part.stop, strict=True):
        assert abs((a + b) - (first + last)) <= 1
    strides = [24, 24, 36]
    assert np.prod([-(-n // stride) for n, stride in zip(part.shape, strides, strict=True)]) <= n_patches
    if n_patches == 1000:
        assert part == box
