"""The fast decoder equals the published formulation, sees changed weights, and gives gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models.oss_net.weights import filled, lattice, normal, small, volume

from napari_seamless.errors import ModelError, SettingsError, VolumeError
from napari_seamless.models.oss_net import OSSNet, gather_patches
from napari_seamless.models.oss_net.reference import reference_occupancy, with_powers

VARIANTS = ["vanilla_o_net_lits", "oss_net_A_bra_ts", "oss_net_C2_bra_ts", "oss_net_D2_lits", "oss_net_full2_lits"]


@pytest.mark.parametrize("name", VARIANTS)
def test_the_fast_decoder_equals_the_published_formulation(name: str) -> None:
    network, latent = small(name)
    voxels, points = volume(network.settings.channels, (13, 9, 11), 1), lattice((13, 9, 11), 2)
    points = points[torch.randperm(len(points), generator=torch.Generator().manual_seed(0))]
    fast = network.occupancy(voxels, points, latent)
    torch.testing.assert_close(fast, reference_occupancy(network, voxels, points, latent)[:, 0], atol=1e-5, rtol=0)
    assert fast.std() > 1e-3
    tight = network.inference(latent, memory_budget=1)(voxels, points.float())[:, 0]
    torch.testing.assert_close(fast, tight, atol=1e-6, rtol=0)


def test_activations_by_powers_give_the_same() -> None:
    network, latent = small("oss_net_B_lits")
    voxels, points = volume(1, (9, 9, 9), 1), lattice((9, 9, 9), 4)
    slow = with_powers(filled(OSSNet(network.settings)))
    assert "Powers" in repr(slow)
    expected = reference_occupancy(slow, voxels, points, latent)[:, 0]
    torch.testing.assert_close(network.occupancy(voxels, points, latent), expected, atol=1e-5, rtol=0)


def test_forward_of_a_batch_is_that_of_each_volume() -> None:
    network, _ = small("oss_net_full2_lits")
    low = torch.stack([volume(1, (12, 8, 8), seed) for seed in (1, 2)])
    voxels = [volume(1, (9, 9, 9), seed) for seed in (3, 4)]
    points = lattice((9, 9, 9), 4)
    patches = torch.stack([gather_patches(v, points, "mean") for v in voxels])
    answers, heads = network(low, points.float().expand(2, -1, -1), patches)
    assert answers.shape == (2, len(points), 1)
    assert heads.shape == (2, 1, 3, 2, 2)
    for i in range(2):
        latent, head = network.encode(low[i])
        torch.testing.assert_close(network.occupancy(voxels[i], points, latent), answers[i, :, 0], atol=1e-5, rtol=0)
        torch.testing.assert_close(head[0], heads[i])


def test_training_reaches_every_parameter() -> None:
    network = filled(OSSNet(small("oss_net_full2_lits")[0].settings)).train()
    points = lattice((9, 9, 9), 4)
    patches = gather_patches(volume(1, (9, 9, 9), 3), points, "mean")
    answers, head = network(volume(1, (24, 16, 16), 1)[None], points[None].float(), patches[None])
    (answers.mean() + head.mean()).backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


def test_changed_weights_and_latent_vectors_are_seen() -> None:
    network, latent = small("oss_net_A_lits")
    network = filled(OSSNet(network.settings))
    voxels, points = volume(1, (9, 9, 9), 1), lattice((9, 9, 9), 4)
    before = network.occupancy(voxels, points, latent)
    assert network.inference(latent) is network.inference(latent)
    with torch.no_grad():
        network.decoder.patch_mapping.mapping[0].weight.mul_(1.5)
    after = network.occupancy(voxels, points, latent)
    assert not torch.allclose(before, after, atol=1e-4)
    torch.testing.assert_close(after, reference_occupancy(network, voxels, points, latent)[:, 0], atol=1e-5, rtol=0)
    latent.add_(0.1)
    moved = network.occupancy(voxels, points, latent)
    latent.sub_(0.1)
    assert not torch.equal(moved, after)


def test_inference_is_the_same_in_training_mode_and_leaves_it() -> None:
    network, latent = small("oss_net_C1_lits", dropout=0.5)
    low, voxels = volume(1, network.settings.encoder_size, 3), volume(1, (9, 9, 9), 1)
    expected = network.occupancy(voxels, [[3, 3, 3]], latent)
    network.train()
    try:
        assert torch.equal(network.encode(low)[0], latent)
        assert torch.equal(network.occupancy(voxels, [[3, 3, 3]], latent), expected)
        assert network.encoder.training
    finally:
        network.eval()


def test_gradients_with_respect_to_coordinates() -> None:
    network, latent = small("oss_net_D2_lits")
    wide = filled(OSSNet(network.settings)).double()
    voxels, points = volume(1, (9, 9, 9), 1), torch.tensor([[2.1, 3.2, 3.9], [6.8, 7.1, 0.2]])
    patches = gather_patches(voxels, points.round().long(), "mean")[None].double()

    def exact(at: torch.Tensor) -> torch.Tensor:
        return wide.decoder(at[None], patches, latent.double())[0, :, 0]

    at, exact_at = points.clone().requires_grad_(), points.double().requires_grad_()
    answers = network.occupancy(voxels, at, latent)
    (slope,) = torch.autograd.grad(answers.sum(), at, create_graph=True)
    (exact_slope,) = torch.autograd.grad(exact(exact_at).sum(), exact_at, create_graph=True)
    torch.testing.assert_close(answers.double(), exact(exact_at), atol=1e-5, rtol=0)
    torch.testing.assert_close(slope.double(), exact_slope, atol=1e-5, rtol=1e-3)
    (second,) = torch.autograd.grad(slope.square().sum(), at)
    (exact_second,) = torch.autograd.grad(exact_slope.square().sum(), exact_at)
    torch.testing.assert_close(second.double(), exact_second, atol=1e-5, rtol=1e-3)
    assert second.abs().max() > 0


def test_no_coordinates_and_places_beyond_the_volume() -> None:
    network, latent = small("oss_net_B_lits")
    assert network.occupancy(torch.ones(1, 9, 9, 9), np.zeros((0, 3)), latent).shape == (0,)
    assert network.occupancy(torch.ones(1, 2, 3, 2), [[-50, 3, 3], [1, 1, 1]], latent).isfinite().all()
    assert network.occupancy(torch.ones(1, 0, 9, 9), [[0, 0, 0]], latent).isfinite().all()


def test_arrays_are_volumes_too() -> None:
    network, latent = small("oss_net_B_lits")
    voxels, points = volume(1, (20, 9, 9), 1), lattice((20, 9, 9), 5)
    expected = network.occupancy(voxels, points, latent)
    assert torch.equal(network.occupancy(voxels.numpy(), points.numpy(), latent), expected)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"volume": torch.ones(2, 9, 9, 9)}, ModelError, r"takes a volume of 1 channels and three axes, not .*\(2, 9"),
        ({"volume": torch.ones(9, 9, 9)}, ModelError, "three axes"),
        ({"volume": torch.full((1, 9, 9, 9), torch.nan)}, VolumeError, "NaN or infinity"),
        ({"coordinates": [[1, 2]]}, ModelError, r"shape \(n, 3\), not \(1, 2\)"),
        ({"coordinates": [[1, 2, float("inf")]]}, ModelError, "coordinates hold NaN"),
        ({"latent": torch.ones(1, 2, 12)}, ModelError, r"latent must have shape \(1, 1, 12\)"),
        ({"large_patch_pooling": "median"}, SettingsError, "mean or max"),
    ],
)
def test_what_cannot_be_answered_is_refused(arguments: dict[str, object], error: type[Exception], words: str) -> None:
    network, latent = small("oss_net_B_lits")
    given = {"volume": torch.ones(1, 9, 9, 9), "coordinates": [[1, 2, 3]], "latent": latent, **arguments}
    with pytest.raises(error, match=words):
        network.occupancy(**given)


def test_what_cannot_be_encoded_is_refused() -> None:
    network, _ = small("oss_net_C1_lits")
    with pytest.raises(ModelError, match=r"1 channels and three axes, not shape \(1, 3, 8, 8, 8\)"):
        network.encode(normal((3, 8, 8, 8), 0))
    with pytest.raises(VolumeError, match="NaN or infinity"):
        network.encode(torch.full((1, 8, 8, 8), torch.nan))
