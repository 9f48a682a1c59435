"""What `occupancy` writes, says and refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests.cli.cases import assert_refused, store
from tests.engine.occupancy.cases import level, network, truth, voxels

from napari_seamless import open_volume
from napari_seamless.models.oss_net import OSSNet, save

NAME = "oss_net_C1_lits"


@pytest.fixture
def occupancy(invoke, tmp_path):
    image, file = store(tmp_path / "image.zarr", voxels()), tmp_path / "net.safetensors"
    save(network(), file)

    def call(*words, image=image, file=file, output=tmp_path / "out.ome.zarr"):
        return invoke("occupancy", "--device", "cpu", *words, image, file, output)

    return call


def test_options_reach_the_labels_and_the_report_is_json(occupancy, tmp_path):
    threshold = level(NAME, 0.9)
    result = occupancy("--stages", "6,1", "--threshold", threshold, "--chunk", "8", "--json")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(
        np.asarray(open_volume(tmp_path / "out.ome.zarr").data[...]), truth(NAME, (6, 1), threshold)
    )
    values = json.loads(result.stdout)
    assert [stage["spacing"] for stage in values["stages"]] == [6, 1]
    assert (values["parts"], values["mesh"], values["shape"]) == (1, [], [21, 18, 19])


def test_a_mesh_comes_with_its_tensors(occupancy, tmp_path):
    mesh = tmp_path / "organ.obj"
    words = ("--threshold", level(NAME, 0.2), "--mesh", mesh, "--tensors", "--steps", "1", "--triangles", "60")
    result = occupancy(*words, "--min-voxels", "100")
    assert result.exit_code == 0, result.output
    assert "voxels" in result.stdout
    assert str(mesh) in result.stdout
    faces = torch.load(tmp_path / "organ_faces.pt", weights_only=True)
    vertices = torch.load(tmp_path / "organ_vertices.pt", weights_only=True)
    assert int(faces.max()) == len(vertices) - 1
    lines = mesh.read_text().splitlines()
    assert sum(line.startswith("v ") for line in lines) == len(vertices)
    assert_refused(occupancy(*words, "--min-voxels", "100"), "organ.obj exists")


def test_an_empty_result_is_a_warning(occupancy):
    result = occupancy("--threshold", "1")
    assert result.exit_code == 0
    assert "Warning: No voxel's occupancy exceeds the threshold 1" in result.stderr


def test_files_of_the_wrong_kind_are_refused(occupancy, invoke, networks, tmp_path):
    assert_refused(occupancy(file=networks["bands"]), "bands.pt")
    assert_refused(occupancy(file=tmp_path / "none.safetensors"), "none.safetensors")
    assert_refused(occupancy("--setting", "oss_net_A_lits"), "do not fit oss_net_A_lits")
    refused = invoke("segment", tmp_path / "image.zarr", tmp_path / "s.zarr", "--model", tmp_path / "net.safetensors")
    assert_refused(refused, "napari-seamless occupancy")


def test_weights_of_another_number_of_channels_are_refused(occupancy, tmp_path):
    file = tmp_path / "four.pt"
    torch.save(OSSNet.from_settings("oss_net_C1_bra_ts").state_dict(), file)
    assert_refused(occupancy(file=file), "takes 4 channels")


def test_options_of_a_mesh_need_one(occupancy):
    for words in (("--tensors",), ("--physical",), ("--stages", "a")):
        result = occupancy(*words)
        assert result.exit_code == 2
        assert "--mesh" in result.stderr or "--stages" in result.stderr
