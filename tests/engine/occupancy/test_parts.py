"""Volumes that are not of the encoder's size: cut into parts, or extended by zeros."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.engine.occupancy.cases import low_of, network, normalised, voxels

from napari_seamless.engine.occupancy import OccupancySettings, segment_occupancy
from napari_seamless.engine.occupancy.parts import encoder_bytes, parts_of
from napari_seamless.models.oss_net import InferenceDecoder

SETTINGS = OccupancySettings(stages=(2, 1), threshold=0.0, device="cpu")


def plain():
    """Takes (12, 8, 8) voxels at half the resolution."""
    return network("oss_net_A_lits")


@pytest.mark.parametrize("shape", [(24, 16, 16), (25, 16, 17), (60, 16, 20), (7, 5, 40), (1, 1, 1)])
@pytest.mark.parametrize("name", ["oss_net_A_lits", "oss_net_C1_lits"])
def test_every_voxel_is_owned_once(shape, name):
    found = network(name).settings
    for budget in (0, 2**40):
        owned = np.zeros(shape, int)
        for part in parts_of(shape, found, 4, budget):
            owned[part.owned.slices] += 1
            assert all(o % 4 == 0 for o in part.origin)
        assert (owned == 1).all()


def test_the_skip_encoder_gets_the_whole_volume_while_it_is_in_the_budget():
    found = network("oss_net_C1_lits").settings
    low = (30, 20, 10)
    need = encoder_bytes(low, found)
    assert [part.low_shape for part in parts_of((60, 40, 20), found, 4, need)] == [low]
    assert len(parts_of((60, 40, 20), found, 4, need - 1)) > 1


def test_a_volume_of_the_size_of_a_plain_encoder_is_one_part():
    image = voxels(shape=(24, 16, 16))
    seen = normalised(image)
    latent, _ = plain().encode(low_of(seen))
    answers = plain().occupancy(seen, torch.ones(24, 16, 16).nonzero(), latent)
    threshold = float(answers.quantile(0.8))
    settings = OccupancySettings(stages=(2, 1), threshold=threshold, device="cpu", chunk_size=10)
    result = segment_occupancy(image, plain(), settings)
    assert result.parts == 1
    np.testing.assert_array_equal(result.array, plain().segment(low_of(seen), seen, (2, 1), threshold))


def test_each_part_has_latent_vectors_and_coordinates_of_its_own_but_sees_its_neighbours():
    image = voxels(shape=(32, 16, 16))
    seen = normalised(image)
    expected = torch.zeros(32, 16, 16)
    for start, stop, origin in ((0, 24, 0), (24, 32, 8)):
        latent, _ = plain().encode(low_of(seen[:, origin : origin + 24]))
        decoder = InferenceDecoder(plain().settings, plain().decoder, latent)
        points = torch.ones(32, 16, 16)[start:stop].nonzero() + torch.tensor([start, 0, 0])
        answers = decoder(seen, points.float(), origin=torch.tensor([origin, 0, 0]))
        expected[start:stop] = answers.detach().reshape(stop - start, 16, 16)
    threshold = float(expected.quantile(0.6))
    settings = OccupancySettings(stages=(1,), threshold=threshold, device="cpu", chunk_size=20)
    result = segment_occupancy(image, plain(), settings)
    np.testing.assert_array_equal(result.array, expected > threshold)
    assert result.parts == 2
    assert "2 parts of (24, 16, 16) voxels" in result.warnings[0]


def test_a_volume_smaller_than_a_patch_is_extended_by_zeros():
    for found in (plain(), network("oss_net_full2_lits")):
        image = voxels(shape=(3, 4, 5))[:, :2]
        first = 0.0 if found.settings.has_head else None
        settings = OccupancySettings(threshold=0.0, low_resolution_threshold=first, device="cpu")
        result = segment_occupancy(image, found, settings)
        assert result.array.shape == (3, 2, 5)
        assert np.asarray(result.array).all()
