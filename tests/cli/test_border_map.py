"""`border-map`: the file that it writes, and what it refuses."""

from __future__ import annotations

import numpy as np
from tests.cli.cases import assert_refused, store

from napari_seamless.training.oss_net import border_map
from napari_seamless.volume import open_volume


def test_labels_become_a_border_map(invoke, tmp_path):
    labels = np.zeros((30, 20, 25), np.uint8)
    labels[20:, 15:] = 2
    result = invoke("border-map", store(tmp_path / "l.zarr", labels), tmp_path / "b.ome.zarr", "--chunk", 16)
    assert result.exit_code == 0, result.output
    expected = border_map(labels)
    assert np.array_equal(np.asarray(open_volume(tmp_path / "b.ome.zarr").data[:, :, :]), expected)
    assert f"marks {expected.sum()} voxels" in result.stdout


def test_bad_input_is_refused_in_a_sentence(invoke, tmp_path):
    real = store(tmp_path / "real.zarr", np.zeros((9, 9, 9), np.float32))
    assert_refused(invoke("border-map", real, tmp_path / "b.ome.zarr"), "must be integers")
    assert_refused(invoke("border-map", tmp_path / "none.zarr", tmp_path / "b.ome.zarr"), "does not exist")
