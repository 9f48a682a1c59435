"""All 24 settings by name, and settings of one's own."""

from __future__ import annotations

import pytest
import torch
from tests.models.oss_net.weights import encoded, keys, network_of, normal, small, volume

from napari_seamless.errors import ModelError, SettingsError
from napari_seamless.models.oss_net import SETTINGS, OSSNet, OSSNetSettings, settings_of

LETTERS = ("A", "B", "C1", "C2", "D1", "D2", "E1", "E2", "full", "full2")


def test_the_24_names() -> None:
    names = {"vanilla_o_net", "vanilla_o_net_wide", *(f"oss_net_{letter}" for letter in LETTERS)}
    assert set(SETTINGS) == {f"{name}_{data}" for name in names for data in ("bra_ts", "lits")}
    assert all(settings.name == name for name, settings in SETTINGS.items())


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_builds_encodes_and_answers(name: str) -> None:
    network, settings = OSSNet.from_settings(name).eval(), SETTINGS[name]
    if settings.encoder == "skip":
        low = normal((settings.channels, 40, 33, 32), 0)
        latent, head = network.encode(low)
    else:
        # One whole volume is encoded: these encoders have the same layers, and those of lits want 256^3 voxels.
        alike = "oss_net_A_lits" if name.endswith("lits") else "oss_net_A_bra_ts"
        assert {k: v.shape for k, v in network.encoder.state_dict().items()} == {
            k: v.shape for k, v in network_of(alike).encoder.state_dict().items()
        }
        latent, head = encoded(alike) if name.endswith("bra_ts") else (normal((1, 1, 512), 2), None)
    assert latent.shape == (1, 6 if settings.encoder == "skip" else 1, 320 if name.endswith("bra_ts") else 512)
    assert (head is not None) == ("full" in name)
    width = {"van": 3, "oss": 3 + 343}[name[:3]] + (32 if "_D" in name else 0) + latent.shape[2]
    assert network.decoder.blocks[0].linear_layer_1.in_features == width
    answers = network.occupancy(normal((settings.channels, 9, 10, 11), 1), [[0, 0, 0], [4, 5, 6], [8, 9, 10]], latent)
    assert answers.shape == (3,)
    assert ((answers >= 0) & (answers <= 1)).all()


def test_parameters_are_as_many_as_the_published_ones() -> None:
    for name in ("oss_net_A_bra_ts", "vanilla_o_net_bra_ts"):
        expected = sum(torch.Size(shape).numel() for shape in keys(name).values())
        assert sum(t.numel() for t in OSSNet.from_settings(name).state_dict().values()) == expected


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"no OSS-Net setting 'oss_net_C_bra_ts'; try .*oss_net_C2_bra_ts"):
        settings_of("oss_net_C_bra_ts")
    with pytest.raises(SettingsError, match=r"vanilla_o_net_bra_ts.*oss_net_full2_lits"):
        settings_of("42")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channels": 0}, "channels must be 1 or more"),
        ({"latent_grid": (8, 8)}, "three for the grid"),
        ({"encoder_channels": ()}, "positive sizes"),
        ({"encoder": "deep"}, "plain or skip"),
        ({"large_patch_pooling": "median"}, "mean or max"),
        ({"local_patches": False}, "needs local_patches"),
        ({"encoder_channels": (1, 4)}, "halves them"),
        ({"dropout": 1.0}, "dropout"),
        ({"colour": "red"}, "have no colour"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        settings_of("oss_net_C2_bra_ts", **changes)


def test_incomplete_settings_are_refused() -> None:
    from napari_seamless.models.oss_net.settings import settings_from

    with pytest.raises(SettingsError, match="incomplete"):
        settings_from({"channels": 1})


def test_the_plain_encoder_says_which_size_it_needs() -> None:
    with pytest.raises(ModelError, match=r"needs a volume of \(128, 128, 80\) voxels, not \(64, 64, 64\)"):
        OSSNet.from_settings("oss_net_A_bra_ts").encode(torch.zeros(4, 64, 64, 64))


def test_the_skip_encoder_refuses_a_volume_that_vanishes() -> None:
    with pytest.raises(ModelError, match="16 voxels or more"):
        OSSNet.from_settings("oss_net_C1_bra_ts").encode(torch.zeros(4, 64, 64, 15))


def test_several_classes_share_out_one() -> None:
    network, latent = small("oss_net_full2_lits", classes=3, channels=2)
    voxels = volume(2, (10, 11, 12), 5)
    answers = network.occupancy(voxels, [[0, 0, 0], [5, 6, 7]], latent)
    assert answers.shape == (2, 3)
    torch.testing.assert_close(answers.sum(1), torch.ones(2))
    background = network.occupancy(voxels, torch.ones(voxels.shape[1:]).nonzero(), latent)[:, 0]
    threshold = float(1 - background.median())
    low = volume(2, network.settings.encoder_size, 3)
    grid = network.segment(low, voxels, stages=(1,), threshold=threshold)
    assert ((1 - background > threshold).reshape(grid.shape) == grid).all()


def test_a_decoder_as_wide_as_its_input_adds_it_as_it_is() -> None:
    from napari_seamless.models.oss_net.reference import reference_occupancy

    network, latent = small("oss_net_A_lits", width=3 + 343 + 12)
    assert isinstance(network.decoder.blocks[0].residual_mapping, torch.nn.Identity)
    voxels, points = volume(1, (9, 9, 9), 1), torch.tensor([[1, 2, 3], [8, 8, 8]])
    expected = reference_occupancy(network, voxels, points, latent)[:, 0]
    torch.testing.assert_close(network.occupancy(voxels, points, latent), expected, atol=1e-5, rtol=0)


def test_settings_are_frozen_values() -> None:
    assert settings_of("oss_net_A_lits") == SETTINGS["oss_net_A_lits"]
    assert settings_of("oss_net_A_lits", channels=2) == OSSNetSettings(
        channels=2, encoder_channels=(8, 16, 32, 64, 128), latent_grid=(8, 8, 8)
    )
