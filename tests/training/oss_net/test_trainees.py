"""What is trained answers as the published formulation does, and its matrices carry the gradients of convolutions."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from napari_seamless.errors import ModelError, SettingsError
from napari_seamless.models.oss_net import OSSNet, settings_of
from napari_seamless.models.oss_net.patch_mapping import PatchMapping
from napari_seamless.models.oss_net.reference import reference_occupancy
from napari_seamless.training.oss_net.fast_mapping import MatrixMapping
from napari_seamless.training.oss_net.samples import HALO
from napari_seamless.training.oss_net.trainees import build_trainee, crop_size, halved


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_matrices_give_the_results_and_gradients_of_convolutions(channels):
    torch.manual_seed(0)
    convolved = PatchMapping(channels)
    multiplied = PatchMapping(channels)
    multiplied.load_state_dict(convolved.state_dict())
    multiplied.__class__ = MatrixMapping
    results = []
    for mapping in (convolved, multiplied):
        patches = torch.randn(2, 5, channels, 7, 7, 7, generator=torch.Generator().manual_seed(1)).requires_grad_()
        out = mapping(patches)
        out.square().sum().backward()
        results.append([out, patches.grad, *(p.grad for p in mapping.parameters())])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(other, one, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("setting", ["oss_net_C1", "oss_net_full2", "vanilla_o_net", "oss_net_D2"])
def test_logits_are_those_of_the_network_on_the_crop(quick, setting):
    trainee = build_trainee(quick(setting=setting), 2, (16, 16, 16)).eval()
    voxels = torch.randn(1, 2, 30, 30, 30, generator=torch.Generator().manual_seed(0))
    voxels[:, :, :HALO], voxels[:, :, -HALO:] = 0, 0
    voxels[..., :HALO], voxels[..., -HALO:] = 0, 0
    voxels[..., :HALO, :], voxels[..., -HALO:, :] = 0, 0
    at = torch.randint(0, 16, (1, 40, 3), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits, head = trainee(voxels, at)
    crop = voxels[:, :, HALO:-HALO, HALO:-HALO, HALO:-HALO]
    low = F.interpolate(crop, scale_factor=0.5, mode="trilinear", align_corners=False)
    torch.testing.assert_close(halved(crop), low)
    network = trainee.network
    latent, expected_head = network.encode(low)
    expected = reference_occupancy(network, crop[0], at[0], latent)
    torch.testing.assert_close(logits[0].sigmoid(), expected, rtol=1e-4, atol=1e-5)
    assert (head is None) == (expected_head is None) == (not trainee.has_head)
    if head is not None:
        torch.testing.assert_close(head, expected_head)
        assert tuple(head.shape[2:]) == trainee.grid


def test_a_unet_answers_the_voxel_that_is_asked(quick):
    trainee = build_trainee(quick(setting="residual_unet"), 1, (16, 16, 16)).eval()
    voxels = torch.randn(1, 1, 30, 30, 30)
    at = torch.tensor([[[3, 4, 5], [15, 0, 1]]])
    with torch.no_grad():
        dense = trainee.network(voxels[:, :, 7:23, 7:23, 7:23])
        logits, _ = trainee(voxels, at)
    assert torch.equal(logits[0, :, 0], dense[0, 0, [3, 15], [4, 0], [5, 1]])


def test_coefficients_of_activations_have_a_rate_of_their_own(quick):
    trainee = build_trainee(quick(), 1, (16, 16, 16))
    weights, coefficients = trainee.parameter_groups(quick(learning_rate=0.5, activation_rate=0.25))
    assert (weights["lr"], coefficients["lr"]) == (0.5, 0.25)
    assert {tuple(p.shape) for p in coefficients["params"]} == {(6,), (4,)}
    assert len(weights["params"]) + len(coefficients["params"]) == len(list(trainee.parameters()))


def test_a_published_setting_is_built_as_published(quick):
    free = {"crop": None, "encoder_channels": None, "width": None, "decoder_blocks": None}
    with torch.device("meta"):
        trainee = build_trainee(quick(setting="oss_net_C2_lits", **free), 1, (9, 9, 9))
        expected = OSSNet(settings_of("oss_net_C2_lits"))
    assert trainee.size == (512, 512, 512)
    assert {k: v.shape for k, v in trainee.network.state_dict().items()} == {
        k: v.shape for k, v in expected.state_dict().items()
    }
    with pytest.raises(ModelError, match="takes 4 channels, but the images have 1"), torch.device("meta"):
        build_trainee(quick(setting="oss_net_A_bra_ts", **free), 1, (9, 9, 9))


def test_a_crop_follows_from_the_volume_or_is_refused(quick):
    assert crop_size(quick(crop=None), 16, (20, 300, 16)) == (32, 128, 16)
    with pytest.raises(SettingsError, match="multiple of 16"):
        crop_size(quick(crop=(16, 16, 20)), 16, (20, 20, 20))
