"""Surfaces made block by block are those of the whole volume, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as searched
from hypothesis import strategies as st
from scipy import ndimage
from tests.mesh.truth import assert_manifold, random_labels, surfaces_of

from napari_seamless.engine.mesh import MeshSettings, make_meshes

SHAPES = st.tuples(*[st.integers(1, 9)] * 3)
BLOCKS = st.tuples(*[st.integers(1, 10)] * 3)


def made(data, block, threads=1, axes=None, **settings):
    return make_meshes(data, MeshSettings(block_size=block, threads=threads, **settings), axes=axes)


def assert_same(found, expected):
    assert [m.surface.label for m in found] == [m.surface.label for m in expected]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.surface.vertices, other.surface.vertices)
        np.testing.assert_array_equal(one.surface.triangles, other.surface.triangles)
        assert one.measures == other.measures
        assert one.surface.error == other.surface.error
        for name, values in one.surface.values.items():
            np.testing.assert_array_equal(values, other.surface.values[name])


def noise(shape, seed, radius=1.0):
    """Numbers between 0 and 1 that change gently."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), radius)
    return ((field - field.min()) / max(float(np.ptp(field)), 1e-9)).astype(np.float32)


@searched(max_examples=40)
@given(shape=SHAPES, block=BLOCKS, density=st.floats(0.05, 1), seed=st.integers(0, 10**6), threads=st.integers(1, 2))
def test_labels_by_block_are_those_of_the_whole(shape, block, density, seed, threads):
    labels = random_labels(shape, density, 3, seed)
    labels[-1, -1, -1] = 1
    found = made(labels, block, threads, smoothing=0)
    whole = surfaces_of(labels)
    assert [m.surface.label for m in found] == sorted(whole)
    for one in found:
        vertices, triangles = whole[one.surface.label]
        np.testing.assert_array_equal(one.surface.vertices, vertices)
        np.testing.assert_array_equal(one.surface.triangles, triangles)


@searched(max_examples=40)
@given(
    shape=SHAPES,
    block=BLOCKS,
    level=st.floats(0.05, 0.95),
    threads=st.integers(1, 2),
    noisy=st.tuples(st.integers(0, 10**6), st.sampled_from([0.0, 0.7, 2.0])),
)
def test_fields_by_block_are_those_of_the_whole(shape, block, level, threads, noisy):
    field = noise(shape, *noisy)
    field.flat[0] = 1.0
    whole = made(field, 128, level=level)
    assert_manifold_or_touching(whole[0])
    assert_same(made(field, block, threads, level=level), whole)


def assert_manifold_or_touching(found):
    """A field's vertices may meet in one place where it says so; edges and fans are right all the same."""
    apart = np.random.default_rng(0).random(found.surface.vertices.shape)
    assert found.measures.watertight
    assert_manifold(apart, found.surface.triangles)


@pytest.mark.parametrize("block", [1, 2, 5, (3, 8, 4), (12, 1, 7), 64])
@pytest.mark.parametrize("kind", ["labels", "probabilities", "distance"])
def test_every_size_of_block_is_finished_alike(block, kind):
    field = noise((12, 11, 13), 5, 1.5)
    data = {"labels": (field * 3.99).astype(np.uint8), "probabilities": field, "distance": 0.5 - field}[kind]
    options = {
        "kind": kind,
        "smoothing": 6,
        "max_error": 0.2,
        "spacing": (2, 1, 1),
        "values": {"v": field},
        "min_volume": 1.0,
    }
    whole = made(data, 64, **options)
    assert_same(made(data, block, 2, **options), whole)
    assert all(m.measures.watertight for m in whole)
    assert any(m.surface.error > 0 for m in whole)


def test_several_channels_are_made_by_block_too():
    data = np.stack([noise((10, 9, 8), seed) for seed in range(3)])
    whole = made(data, 64, axes="czyx", labels=[0, 1, 2])
    assert len(whole) == 3
    assert_same(made(data, (3, 4, 2), 2, "czyx", labels=[2, 0, 1]), whole)
