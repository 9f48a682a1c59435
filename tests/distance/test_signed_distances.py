"""Distances of one class: equal to SciPy's, and to what the definition of the interface says face by face."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from napari_seamless.distance import Measure, signed_distances
from napari_seamless.distance.passes import signed_squares, to_distances

SIZES = (0.05, 0.3, 1.0, 1.7, 2.5, 7.0)


@st.composite
def classes(draw: st.DrawFn, longest: int) -> tuple[np.ndarray, tuple[float, ...]]:
    """Draw where a class is, dense, sparse or in blocks, and a spacing; some voxels are of each kind."""
    shape = tuple(draw(st.lists(st.integers(1, longest), min_size=1, max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inside = rng.random(shape) < draw(st.sampled_from([0.01, 0.1, 0.5, 0.9, 0.99]))
    for axis in range(len(shape)):
        inside = np.repeat(inside, draw(st.integers(1, 3)), axis=axis)
    inside.flat[0], inside.flat[-1] = draw(st.sampled_from([(True, False), (False, True)]))
    if inside.size == 1:
        inside = np.array([True, False]).reshape((1,) * (len(shape) - 1) + (2,))
    return inside, tuple(draw(st.sampled_from(SIZES)) for _ in shape)


def published(inside: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Return the map of the boundary loss with SciPy's transform."""
    outside, within = (distance_transform_edt(kind, sampling=spacing) for kind in (~inside, inside))
    return outside * ~inside - (within - 1) * inside


@given(classes(longest=9), st.integers(1, 3))
def test_published_distances_equal_scipys(drawn, threads):
    inside, spacing = drawn
    found = signed_distances(inside, Measure(spacing=spacing), threads)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, published(inside, spacing), rtol=1e-5, atol=1e-5)


@given(classes(longest=9), st.integers(1, 3))
def test_the_passes_equal_scipys_transform(drawn, threads):
    inside, spacing = drawn
    measure = Measure(spacing=spacing)
    squares = signed_squares(inside, measure, range(inside.ndim), threads)
    to_distances(squares, measure)
    np.testing.assert_allclose(squares, published(inside, spacing), rtol=1e-5, atol=1e-5)


def faces(inside: np.ndarray, spacing: tuple[float, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """List the faces of the interface as boxes without thickness: lower and upper corner."""
    found = []
    sizes = np.array(spacing)
    for axis in range(inside.ndim):
        for index in itertools.product(*(range(n - (a == axis)) for a, n in enumerate(inside.shape))):
            beyond = tuple(i + (a == axis) for a, i in enumerate(index))
            if inside[index] != inside[beyond]:
                low, high = (np.array(index) - 0.5) * sizes, (np.array(index) + 0.5) * sizes
                low[axis] = high[axis]
                found.append((low, high))
    return found


@given(classes(longest=3))
def test_exact_distances_are_those_to_the_nearest_face(drawn):
    inside, spacing = drawn
    borders = faces(inside, spacing)
    found = signed_distances(inside, Measure(spacing=spacing, convention="exact"))
    for index in np.ndindex(inside.shape):
        centre = np.array(index) * spacing
        nearest = min(math.dist(centre, np.clip(centre, low, high)) for low, high in borders)
        assert found[index] == pytest.approx(-nearest if inside[index] else nearest, rel=1e-5)


@given(classes(longest=9), st.sampled_from(["published", "exact"]), st.sampled_from([0.4, 1.0, 3.3]))
def test_a_limit_cuts_the_map_and_changes_nothing_below(drawn, convention, limit):
    inside, spacing = drawn
    cut = signed_distances(inside, Measure(spacing=spacing, convention=convention, limit=limit))
    whole = signed_distances(inside, Measure(spacing=spacing, convention=convention))
    np.testing.assert_array_equal(cut, np.clip(whole, -np.float32(limit), np.float32(limit)))


def test_a_flat_border_is_half_a_voxel_away_from_the_voxels_beside_it():
    inside = np.zeros((4, 6), bool)
    inside[:, 2:] = True
    exact = signed_distances(inside, Measure(spacing=(5.0, 2.0), convention="exact"))
    assert exact[1].tolist() == [3.0, 1.0, -1.0, -3.0, -5.0, -7.0]


def test_long_distances_keep_their_digits():
    inside = np.zeros((1, 6000), bool)
    inside[0, -1] = True
    found = signed_distances(inside, Measure(spacing=(1.0, 0.1)))
    np.testing.assert_allclose(found[0, :-1], np.arange(5999, 0, -1) * 0.1, rtol=1e-6)


def test_many_lines_are_shared_by_threads_without_a_difference():
    inside = np.random.default_rng(3).random((3, 70, 50)) < 0.02
    measure = Measure(spacing=(2.0, 1.0, 1.0))
    one, many = (signed_squares(inside, measure, range(3), threads) for threads in (1, 4))
    np.testing.assert_array_equal(one, many)
