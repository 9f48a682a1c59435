"""One sentence each for what cannot work."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.engine.occupancy.cases import network, voxels

from napari_seamless.engine.occupancy import OccupancySettings, segment_occupancy
from napari_seamless.errors import ModelError, OutputExistsError, SeamlessError, SettingsError, VolumeError
from napari_seamless.models import load_model, load_network, save_torchscript
from napari_seamless.models.oss_net import OSSNet, save
from napari_seamless.types import ModelSpec

CPU = OccupancySettings(device="cpu")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"stages": (4, 3, 1)}, "stages must fall to 1 by division"),
        ({"stages": (4, 2)}, "stages must fall"),
        ({"stages": (2.5, 1)}, "stages must be whole numbers"),
        ({"threshold": 1.5}, "threshold must be a number of 0 to 1"),
        ({"low_resolution_threshold": "x"}, "low_resolution_threshold must be"),
        ({"large_patch_pooling": "median"}, 'must be "mean" or "max"'),
        ({"normalization": "minmax"}, 'must be "zscore" or "none"'),
        ({"chunk_size": 0}, "chunk_size must be"),
        ({"chunk_size": (8, 8)}, "one number or three"),
        ({"memory_budget": "1MiB"}, "at least 64 MiB"),
        ({"memory_budget": "much"}, "memory_budget"),
    ],
)
def test_settings_are_checked(values, text):
    with pytest.raises(SettingsError, match=text):
        OccupancySettings(**values)


@pytest.mark.parametrize(
    ("image", "axes", "text"),
    [
        (np.zeros((0, 8, 8), np.float32), "zyx", "a volume needs voxels"),
        (np.zeros((2, 8, 8, 8), np.float32), "czyx", "takes 1 channels, but .* offers 2"),
        (np.zeros((8, 8), np.float32), "yx", "three spatial axes"),
        (np.zeros((2, 8, 8, 8), np.float32), "tzyx", "several positions along t"),
        (np.full((8, 8, 8), np.nan, np.float32), "zyx", "NaN|infinity|finite"),
    ],
)
def test_volumes_that_do_not_fit(image, axes, text):
    with pytest.raises(VolumeError if "channels" not in text and "three" not in text else ModelError, match=text):
        segment_occupancy(image, network(), CPU, axes=axes)


def test_values_that_are_not_finite_are_found_without_normalisation():
    image = np.zeros((8, 8, 8), np.float32)
    image[3, 3, 3] = np.inf
    with pytest.raises(VolumeError, match="NaN or infinity"):
        segment_occupancy(image, network(), OccupancySettings(device="cpu", normalization="none"))


def test_a_head_is_needed_for_its_threshold():
    with pytest.raises(ModelError, match="needs a head"):
        segment_occupancy(voxels(), network(), OccupancySettings(device="cpu", low_resolution_threshold=0.5))


def test_nothing_above_the_threshold_is_an_empty_result_that_says_so():
    result = segment_occupancy(voxels(), network(), OccupancySettings(device="cpu", threshold=1.0))
    assert not np.asarray(result.array).any()
    assert "No voxel's occupancy exceeds the threshold 1" in result.warnings[0]


def test_an_output_that_is_there_stays(tmp_path):
    (tmp_path / "out.ome.zarr").mkdir()
    with pytest.raises(OutputExistsError):
        segment_occupancy(voxels(), network(), CPU, tmp_path / "out.ome.zarr")


def test_what_is_no_network_is_refused():
    with pytest.raises(ModelError, match="network must be an OSSNet"):
        segment_occupancy(voxels(), 3, CPU)


def test_files_of_networks_are_told_apart(tmp_path):
    safe, state, script = (tmp_path / name for name in ("a.safetensors", "b.pt", "c.pt"))
    save(network(), safe)
    torch.save(OSSNet.from_settings("oss_net_C1_lits").state_dict(), state)
    save_torchscript(torch.nn.Conv3d(1, 2, 3, padding=1), script, ModelSpec(name="conv"))
    assert load_network(safe).settings == network().settings
    assert load_network(state).settings.name == "oss_net_C1_lits"
    assert load_network(state, setting="oss_net_C1_lits").settings.name == "oss_net_C1_lits"
    assert load_network(network()) is network()
    assert load_network(script).spec.name == "conv"
    for file in (safe, state):
        with pytest.raises(ModelError, match="napari-seamless occupancy"):
            load_model(file)
    with pytest.raises(ModelError, match=r"do not fit oss_net_A_lits.*fit oss_net_C1_lits"):
        load_network(state, setting="oss_net_A_lits")
    with pytest.raises(SettingsError, match="no OSS-Net setting"):
        load_network(state, setting="oss_net_Z")


@pytest.mark.parametrize("content", [b"", b"\x80", b"{}", b"\xff" * 30])
@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_files_that_are_no_network_are_one_sentence(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SeamlessError):
        load_network(tmp_path / name)
