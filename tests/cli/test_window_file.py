"""A window from a file, named by an option or by a recipe, with the real engine."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr
from tests.cli.cases import assert_refused

import napari_seamless
from napari_seamless.plan import save_window
from napari_seamless.types import Window

WEIGHTS = np.random.default_rng(2).random((8, 8, 8)) + 0.01


@pytest.fixture
def file(tmp_path):
    save_window(Window.from_array(WEIGHTS), tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


def slanted(x):
    """Return something that depends on the place in the patch, so that weights matter."""
    return x * (x.new_ones(x.shape[-1]).cumsum(0) / x.shape[-1])


def test_a_file_is_worth_the_window_in_it(voxels, file):
    options = {"patch_size": 8, "write": "probabilities", "device": "cpu"}
    expected = napari_seamless.segment(voxels, slanted, window=Window.from_array(WEIGHTS), **options).array
    for name in (str(file), file):
        np.testing.assert_array_equal(napari_seamless.segment(voxels, slanted, window=name, **options).array, expected)
    assert not np.array_equal(napari_seamless.segment(voxels, slanted, **options).array, expected)


def test_the_option_and_the_recipe_beside_the_file(segment, file, tmp_path, monkeypatch):
    result = segment("--window", file, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["plan"]["window"] == "array"
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"window": "mine.safetensors", "patch_size": 8}))
    monkeypatch.chdir(tmp_path.parent)  # the file is looked for beside the recipe, wherever the program runs
    result = segment("--recipe", recipe, "--overwrite", "--json", patch=None)
    assert json.loads(result.stdout)["plan"]["window"] == "array"
    result = segment("--recipe", recipe, "--overwrite", "--json", "--window", "hann", patch=None)
    assert json.loads(result.stdout)["plan"]["window"] == "hann"


def test_another_window_of_the_same_name_is_not_resumed(segment, file, tmp_path):
    assert segment("--window", file).exit_code == 0
    assert segment("--window", file, "--resume").exit_code == 0
    before = zarr.open_group(tmp_path / "out.ome.zarr", mode="r")["0"][...]
    save_window(Window.from_array(WEIGHTS[::-1]), file)
    assert_refused(segment("--window", file, "--resume"), "window")
    np.testing.assert_array_equal(zarr.open_group(tmp_path / "out.ome.zarr", mode="r")["0"][...], before)


@pytest.mark.parametrize(
    ("words", "patch", "names"),
    [
        (["--window", "{}/none.safetensors"], "8", ["none.safetensors", "cannot be read"]),
        (["--window", "{}/notes.safetensors"], "8", ["notes.safetensors", "cannot be understood"]),
        (["--window", "{}/mine.safetensors"], "10", ["(8, 8, 8)", "(10, 10, 10)"]),
        (["--window", "{}/mine.safetensors", "--border", "adaptive", "--overlap", "0"], "8", ["adaptive"]),
        (["--recipe", "{}/recipe.json"], "8", ["none.safetensors", "cannot be read"]),
    ],
)
def test_a_window_that_does_not_fit_is_refused_before_anything_is_written(
    segment, file, tmp_path, *, words, patch, names
):
    (tmp_path / "notes.safetensors").write_text("no weights here")
    (tmp_path / "recipe.json").write_text('{"window": "none.safetensors"}')
    before = sorted(tmp_path.iterdir())
    assert_refused(segment(*(word.format(tmp_path) for word in words), patch=patch), *names)
    assert sorted(tmp_path.iterdir()) == before


def test_a_word_that_is_neither_name_nor_file(segment):
    result = segment("--window", "mine.npy")
    assert result.exit_code == 2
    assert "'mine.npy' is neither gaussian, constant, hann, triangle nor a file" in result.stderr
