"""Values at vertices: a linear function is met exactly, and blocks make no difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.finish import read_values, sample_values, values
from napari_seamless.types import Surface

SPACING, TRANSLATION = (2.0, 0.5, 1.0), (10.0, -5.0, 3.0)


def dots(seed, shape, n=200, beyond=0.0) -> Surface:
    places = np.random.default_rng(seed).uniform(-beyond, 1 + beyond, (n, 3)) * (np.array(shape) - 1)
    return Surface(vertices=places * SPACING + TRANSLATION, triangles=np.zeros((0, 3), np.int32))


def plane(shape) -> np.ndarray:
    z, y, x = (np.arange(n) * s + t for n, s, t in zip(shape, SPACING, TRANSLATION, strict=True))
    return 2 * z[:, None, None] - 3 * y[:, None] + x + 1


@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 9)] * 3))
def test_a_linear_function_is_met(seed, shape):
    surface = dots(seed, shape)
    found = sample_values(surface, plane(shape), SPACING, TRANSLATION)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, surface.vertices @ (2, -3, 1) + 1, rtol=1e-5, atol=1e-4)


@given(st.integers(0, 2**32 - 1), st.integers(8, 200))
def test_blocks_make_no_difference(seed, voxels):
    volume = np.random.default_rng(seed).random((11, 7, 9), np.float32)
    surface, read, sizes = dots(seed, volume.shape, beyond=0.2), [], []

    def reader(box):
        read.append(box)
        sizes.append(box.size)
        return volume[box.slices]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "VOXELS", voxels)
        found = read_values(surface, reader, volume.shape, SPACING, TRANSLATION)
    np.testing.assert_allclose(found, sample_values(surface, volume, SPACING, TRANSLATION), atol=1e-5)
    assert max(sizes) <= max(voxels, 8)


def test_blocks_without_vertices_are_not_read():
    read = []

    def reader(box):
        read.append(box)
        return np.ones(box.shape)

    surface = Surface(vertices=np.array([[1.5, 1, 1], [900, 900, 900]]), triangles=np.zeros((0, 3), np.int32))
    found = read_values(surface, reader, (1000, 1000, 1000), (1, 1, 1), (0, 0, 0))
    assert found.tolist() == [1, 1]
    assert [box.size for box in read] == [8, 8]
    nowhere = Surface(vertices=np.zeros((0, 3)), triangles=np.zeros((0, 3), np.int32))
    assert read_values(nowhere, reader, (1, 1, 1), (1, 1, 1), (0, 0, 0)).shape == (0,)


def test_wrong_shapes_are_refused():
    surface = dots(0, (4, 4, 4))
    with pytest.raises(SettingsError, match="shape"):
        read_values(surface, lambda box: np.zeros((1, 1, 1)), (4, 4, 4), SPACING, TRANSLATION)
    with pytest.raises(SettingsError, match="shape"):
        read_values(surface, lambda box: np.zeros(box.shape), (0, 4, 4), SPACING, TRANSLATION)
