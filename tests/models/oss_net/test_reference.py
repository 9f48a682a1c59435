"""What the published code answered is answered here, from the same weights."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from tests.models.oss_net.weights import NAMES, SHAPE, encoded, keys, network_of, reference, volume

from napari_seamless.models.oss_net import OSSNet, Stages, segment_in_stages
from napari_seamless.models.oss_net.dense import points_above
from napari_seamless.models.oss_net.reference import reference_occupancy

POOLED = [("mean", "occupancy_avg"), ("max", "occupancy_max")]
DENSE = ["oss_net_A_bra_ts", "oss_net_C2_bra_ts", "oss_net_full2_lits"]


@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_of_weights_are_the_published_ones(name: str) -> None:
    state = OSSNet.from_settings(name).state_dict()
    assert [(key, list(tensor.shape)) for key, tensor in state.items()] == list(keys(name).items())


@pytest.mark.parametrize("name", NAMES)
def test_the_encoder_gives_the_published_latent_vectors(name: str) -> None:
    latent, head = encoded(name)
    expected = reference(name)
    np.testing.assert_allclose(latent.numpy(), expected["latent"], atol=1e-5)
    assert (head is not None) == ("segmentation_low_res" in expected)
    if head is not None:
        np.testing.assert_allclose(head.numpy(), expected["segmentation_low_res"], atol=1e-5)


@pytest.mark.parametrize(("pooling", "key"), POOLED)
@pytest.mark.parametrize("name", NAMES)
def test_the_decoder_gives_the_published_occupancies(name: str, pooling: str, key: str) -> None:
    expected = reference(name)
    if key not in expected:
        assert not network_of(name).settings.large_patches
        return
    network, latent = network_of(name), torch.from_numpy(expected["latent"])
    voxels = volume(network.settings.channels, SHAPE, 7)
    coordinates = torch.from_numpy(expected["coordinates"]).long()
    answers = network.occupancy(voxels, coordinates, latent, pooling)
    np.testing.assert_allclose(answers, expected[key], atol=1e-5)
    one_by_one = reference_occupancy(network, voxels, coordinates, latent, pooling)[:, 0]
    np.testing.assert_allclose(one_by_one, expected[key], atol=1e-5)


def test_large_patches_are_pooled_as_the_weights_were_trained_unless_told() -> None:
    name = "oss_net_C2_bra_ts"
    network, expected = network_of(name), reference(name)
    answers = network.occupancy(volume(4, SHAPE, 7), expected["coordinates"], torch.from_numpy(expected["latent"]))
    np.testing.assert_allclose(answers, expected["occupancy_avg"], atol=1e-5)
    assert np.abs(expected["occupancy_avg"] - expected["occupancy_max"]).max() > 1e-4


@cache
def every_occupancy(name: str) -> torch.Tensor:
    network = network_of(name)
    voxels = volume(network.settings.channels, SHAPE, 7)
    return network.occupancy(
        voxels, torch.ones(SHAPE).nonzero(), torch.from_numpy(reference(name)["latent"]), "max"
    ).reshape(SHAPE)


def check_dense(name: str, key: str, first: torch.Tensor | None) -> None:
    expected = reference(name)
    threshold = float(expected["threshold"])

    def inside(points: torch.Tensor) -> torch.Tensor:
        return every_occupancy(name)[points.unbind(1)]

    *_, (_, grid) = segment_in_stages(inside, SHAPE, Stages(threshold=threshold), first)
    wanted = np.unpackbits(expected[key], count=grid.numel()).reshape(SHAPE).astype(bool)
    others = torch.from_numpy(np.argwhere(grid.numpy() != wanted))
    assert len(others) < 10
    assert (inside(others) - threshold).abs().lt(1e-5).all()
    assert 0 < wanted.sum() < wanted.size


@pytest.mark.parametrize("name", DENSE)
def test_dense_inference_gives_the_published_voxels(name: str) -> None:
    check_dense(name, "dense", None)


def test_optimised_inference_gives_the_published_voxels() -> None:
    name = "oss_net_full2_lits"
    head = torch.from_numpy(reference(name)["segmentation_low_res"])
    first = points_above(head, SHAPE, 4, float(reference(name)["threshold_low_res_seg"]))
    assert 0 < first.sum() < first.numel()
    check_dense(name, "dense_optimized", first)
