"""A small volume, networks whose result is known, and a way to call the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tests.cli.cases import CLASSES, SHAPE, Bands, Halved, NotANumber, OneChannel, store

from napari_seamless.cli.program import program
from napari_seamless.models.torchscript import save_torchscript
from napari_seamless.types import ModelSpec


@pytest.fixture(scope="session")
def networks(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("networks")
    spec = {"in_channels": 1, "n_spatial": 3}
    made = {
        "bands": (Bands(), ModelSpec(name="bands", out_channels=3, classes=CLASSES, **spec)),
        "preferred": (Bands(), ModelSpec(name="preferred", classes=CLASSES, patch_size=(8, 10, 12), **spec)),
        "even": (Bands(), ModelSpec(name="even", classes=CLASSES, divisor=(4,), **spec)),
        "halved": (Halved(), ModelSpec(name="halved", **spec)),
        "nan": (NotANumber(), ModelSpec(name="nan", **spec)),
        "rgb": (Bands(), ModelSpec(name="rgb", in_channels=3, n_spatial=3)),
        "flat": (Bands(), ModelSpec(name="flat", in_channels=1, n_spatial=2)),
        "single": (OneChannel(), ModelSpec(name="single", classes=("background", "cell"), **spec)),
    }
    paths = {name: folder / f"{name}.pt" for name in made}
    for name, (network, described) in made.items():
        save_torchscript(network, paths[name], described)
    return paths


@pytest.fixture(scope="session")
def voxels() -> np.ndarray:
    return np.random.default_rng(5).random(SHAPE, dtype=np.float32) * 0.9 + 0.05


@pytest.fixture(scope="session")
def expected(voxels) -> np.ndarray:
    return np.digitize(voxels, [0.3, 0.6]).astype(np.uint8)


@pytest.fixture
def volume(tmp_path, voxels) -> Path:
    return store(tmp_path / "volume.zarr", voxels)


@pytest.fixture
def truth(tmp_path, expected) -> Path:
    """Reference labels of which every tenth voxel says something else."""
    labels = expected.copy()
    labels.reshape(-1)[::10] = 1
    return store(tmp_path / "truth.zarr", labels)


@pytest.fixture
def invoke():
    def call(*words):
        return CliRunner().invoke(program, [str(word) for word in words])

    return call


@pytest.fixture
def segment(invoke, volume, networks, tmp_path):
    """Call ``segment`` on the volume with the network that has a known result, unless told otherwise."""

    def call(*words, source=volume, output=tmp_path / "out.ome.zarr", model=networks["bands"], patch="8"):
        own = [] if patch is None else ["--patch", patch]
        return invoke("segment", source, output, "--model", model, *own, *words)

    return call
