"""What `info` tells, for people and for programs."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
import zarr
from tests.cli.cases import store


@pytest.fixture
def ome_zarr(tmp_path):
    """Write an OME-Zarr 0.5 with two channels and two levels, by its specification."""
    path = tmp_path / "image.ome.zarr"
    group = zarr.create_group(path, zarr_format=3)
    datasets = []
    for i, factor in enumerate((1, 2)):
        shape = (2, 16, 32 // factor, 32 // factor)
        group.create_array(str(i), shape=shape, chunks=(1, 8, 16, 16), dtype="uint16")
        scale = {"type": "scale", "scale": [1, 2.0, 0.5 * factor, 0.5 * factor]}
        datasets.append({"path": str(i), "coordinateTransformations": [scale]})
    axes = [{"name": "c", "type": "channel"}, *({"name": a, "type": "space", "unit": "micrometer"} for a in "zyx")]
    channels = [{"label": "nuclei"}, {"label": "membranes"}]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": datasets}],
        "omero": {"channels": channels},
    }
    return path


def test_everything_that_is_known_of_an_ome_zarr(invoke, ome_zarr):
    result = invoke("info", ome_zarr, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    told = json.loads(result.stdout)
    assert told["axes"] == ["c", "z", "y", "x"]
    assert told["shape"] == [2, 16, 32, 32]
    assert (told["dtype"], told["bytes"]) == ("uint16", 2 * 16 * 32 * 32 * 2)
    assert told["spacing"] == [2.0, 0.5, 0.5]
    assert told["extent"] == [32.0, 16.0, 16.0]
    assert told["units"] == ["micrometer"] * 3
    assert told["channels"] == ["nuclei", "membranes"]
    assert [level["shape"] for level in told["levels"]] == [[2, 16, 32, 32], [2, 16, 16, 16]]
    assert [level["chunks"] for level in told["levels"]] == [[1, 8, 16, 16]] * 2
    assert [level["spacing"] for level in told["levels"]] == [[2.0, 0.5, 0.5], [2.0, 1.0, 1.0]]
    assert told["is_labels"] is False


def test_people_read_it_as_a_table(invoke, ome_zarr):
    text = invoke("info", ome_zarr).stdout
    assert "c, z, y, x" in text
    assert "2 x 16 x 32 x 32 (64.0 KiB)" in text
    assert "2 x 0.5 x 0.5 micrometer" in text
    assert "32 x 16 x 16 micrometer" in text
    assert "2 x 16 x 16 x 16 in chunks of 1 x 8 x 16 x 16" in text
    assert "nuclei, membranes" in text


def test_no_voxel_is_read(invoke, ome_zarr):
    for chunk in ome_zarr.glob("*/c/**/*"):
        assert not chunk.is_file()
    source = ome_zarr / "0" / "c" / "0" / "0" / "0"
    source.mkdir(parents=True)
    (source / "0").write_bytes(b"a damaged chunk is not noticed")
    assert invoke("info", ome_zarr).exit_code == 0


def test_a_nifti_tells_its_orientation(invoke, tmp_path):
    affine = np.diag([3.0, 2.0, 1.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), affine), tmp_path / "t1.nii")
    told = json.loads(invoke("info", tmp_path / "t1.nii", "--json").stdout)
    assert told["shape"] == [6, 5, 4]
    assert told["spacing"] == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(np.asarray(told["affine"]) @ [0, 0, 1, 1], affine @ [1, 0, 0, 1])


def test_labels_are_called_labels(invoke, segment, tmp_path):
    segment()
    text = invoke("info", tmp_path / "out.ome.zarr").stdout
    assert "uint8, labels" in text
    assert "0 background, 1 cell, 2 gap" in text


def test_axes_are_named_where_the_format_has_none(invoke, tmp_path):
    source = store(tmp_path / "plain.zarr", np.zeros((3, 4, 5, 6), np.uint8))
    assert json.loads(invoke("info", source, "--axes", "czyx", "--json").stdout)["axes"] == ["c", "z", "y", "x"]
    refused = invoke("info", source)
    assert refused.exit_code == 1
    assert "axes" in refused.stderr
