"""Crops and coordinates: the voxels of the volume, the shares that were asked for, the same for the same key."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_seamless.errors import AxesError, VolumeError
from napari_seamless.models.oss_net import gather_patches
from napari_seamless.training.oss_net import border_map
from napari_seamless.training.oss_net.parts import open_parts, split
from napari_seamless.training.oss_net.samples import HALO, OccupancySamples, PartReader, draw_coordinates, measure
from napari_seamless.types import Box


def reader_of(pair, settings, part=0, held=False):
    parts = split(open_parts([pair], (), settings), settings)[held]
    return PartReader(parts[part], settings.classes, measure(parts[part].image))


def test_a_crop_is_the_normalised_volume_and_nothing_beyond_its_part(pair, quick):
    reader = reader_of(pair, quick())
    assert reader.part.box == Box((0, 0, 0), (24, 24, 36))
    crop = reader.read(Box((8, 0, 20), (24, 16, 36)), with_border=True)
    image, labels = pair
    normal = (image - image.mean()) / image.std()
    padded = np.pad(np.where(np.arange(48) < 36, normal, 0), HALO)
    np.testing.assert_allclose(crop.voxels[0], padded[8:38, 0:30, 20:50], atol=1e-5)
    assert np.array_equal(crop.labels, labels[8:24, 0:16, 20:36])
    assert np.array_equal(crop.border, border_map(labels[..., :36])[8:24, 0:16, 20:36])


def test_patches_of_a_crop_are_those_of_the_volume(pair, quick):
    reader = reader_of(pair, quick(held_out_axis="none"))
    box = Box((4, 4, 16), (20, 20, 32))
    voxels = torch.from_numpy(reader.read(box, with_border=False).voxels)
    at = torch.tensor([[0, 0, 0], [15, 15, 15], [3, 9, 12]])
    whole = torch.from_numpy((pair[0] - pair[0].mean()) / pair[0].std())[None]
    for pooling in (None, "mean"):
        expected = gather_patches(whole, at + torch.tensor(box.start), pooling)
        torch.testing.assert_close(gather_patches(voxels, at + HALO, pooling), expected, atol=1e-5, rtol=0)


def test_a_crop_larger_than_the_volume_asks_nothing_beyond_it(pair, quick):
    reader = reader_of(pair, quick(), held=True)
    crop = reader.read(Box((0, 0, 36), (32, 32, 68)), with_border=True)
    assert (crop.labels >= 0).sum() == 24 * 24 * 12
    assert not crop.border[24:].any()


def test_half_of_the_coordinates_come_from_the_border(pair):
    labels = pair[1].astype(np.int64)
    labels[:, :, 40:] = -1
    border = np.zeros(labels.shape, bool)
    border[10:12] = True
    at = draw_coordinates(labels, border, 1000, 0.3, np.random.default_rng(0))
    assert border[tuple(at[:300].T)].all()
    assert 0 < border[tuple(at[300:].T)].mean() < 0.2
    assert (labels[tuple(at.T)] >= 0).all()


def test_a_sample_follows_from_its_key_and_flips_move_everything_together(pair, quick):
    settings = quick(brightness=0.0, noise=0.0)
    reader = reader_of((pair[1].astype(np.float32), pair[1]), settings)
    samples = OccupancySamples([reader], (16, 16, 16), (2, 2, 2), settings)
    one, same, other = samples[3, 1], samples[3, 1], samples[3, 2]
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["coordinates"], other["coordinates"])
    for sample in (one, other):
        z, y, x = (sample["coordinates"] + HALO).T
        assert torch.equal(sample["voxels"][0, z, y, x] > 0, sample["labels"] > 0)
        inside = (sample["voxels"][:, HALO:-HALO, HALO:-HALO, HALO:-HALO] > 0).float()
        assert torch.equal(sample["coarse"], torch.nn.functional.max_pool3d(inside, 8)[0])


def test_a_stored_border_map_gives_the_same_samples(pair, quick):
    settings = quick(held_out_axis="none")
    found = []
    for borders in ((), (border_map(pair[1]).astype(np.uint8),)):
        part = open_parts([pair], borders, settings)[0]
        samples = OccupancySamples([PartReader(part, 1, measure(part.image))], (16, 16, 16), (2, 2, 2), settings)
        found.append(samples[0, 0])
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_labels_that_are_inside_can_be_named(pair, quick):
    labels = pair[1] * 3
    labels[0] = 1
    part = open_parts([(pair[0], labels)], (), quick(inside=(3,)))[0]
    assert np.array_equal(part.labels.read(part.box), pair[1] > 0)


def test_what_does_not_fit_is_refused(pair, quick):
    image, labels = pair
    settings = quick()
    with pytest.raises(VolumeError, match="24 x 24 x 47 voxels"):
        open_parts([(image, labels[..., :-1])], (), settings)
    with pytest.raises(VolumeError, match="8 or more are needed"):
        open_parts([(image[:7], labels[:7])], (), settings)
    with pytest.raises(AxesError, match="three spatial axes"):
        open_parts([(image[0], labels[0])], (), settings)
    reader = reader_of((image, labels * 0), settings)
    with pytest.raises(VolumeError, match="nothing inside"):
        OccupancySamples([reader], (16, 16, 16), (2, 2, 2), settings)
    spoilt = image.copy()
    spoilt[3, 3, 3] = np.nan
    with pytest.raises(VolumeError, match="NaN"):
        reader_of((spoilt, labels), settings)
