"""Patches that reach beyond the volume, and windows over every grid."""

from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import windows as scipy_windows

from napari_seamless.blend import WeightSums
from napari_seamless.errors import GeometryError, SettingsError
from napari_seamless.plan import (
    axis_grid,
    axis_weights,
    covered_box,
    is_separable,
    make_plan,
    uncovered_chunks,
    window_array,
)
from napari_seamless.types import BorderMode, Box, Window, WindowKind

KINDS: tuple[WindowKind, ...] = get_args(WindowKind)


@given(length=st.integers(1, 40), patch=st.integers(1, 50), sides=st.sampled_from(["both", "end"]), data=st.data())
def test_padding_is_regular_as_small_as_the_step_allows_and_never_a_patch_of_nothing(length, patch, sides, data):
    step = data.draw(st.integers(1, patch))
    grid = axis_grid(length, patch, step, "pad", pad_sides=sides)
    before, after = grid.pad_width
    assert set(np.diff(grid.starts)) <= {step}
    assert set(grid.sizes) == {patch}
    assert before + after < max(step, patch - length + 1)
    assert before == 0 if sides == "end" else after - before in {0, 1}
    assert all(start < length and start + patch > 0 for start in grid.starts)
    covered = {voxel for start in grid.starts for voxel in range(start, start + patch)}
    assert covered >= set(range(length))


@given(length=st.integers(1, 30), patch=st.integers(1, 40), data=st.data())
def test_chunks_and_patches_beyond_the_volume_find_each_other(length, patch, data):
    step = data.draw(st.integers(1, patch))
    chunk = data.draw(st.integers(1, length))
    plan = make_plan((length,), patch, 1 - step / patch, border="pad", chunk=chunk)
    meetings = {
        (chunk_index, i)
        for chunk_index in range(plan.chunk_grid[0])
        for i in range(plan.grid_shape[0])
        if plan.chunk_box((chunk_index,)).intersect(plan.patch_box((i,))).size
    }
    by_patch = {(c, i) for i in range(plan.grid_shape[0]) for (c,) in plan.chunks_touching(plan.patch_box((i,)))}
    by_chunk = {(c, i) for c in range(plan.chunk_grid[0]) for i in plan.touching(plan.chunk_box((c,)))[0]}
    assert by_patch == by_chunk == meetings
    assert covered_box(plan) == Box((0,), (length,))
    assert list(uncovered_chunks(plan)) == []
    inside = sum(plan.patch_box((i,)).intersect(Box((0,), (length,))).size for i in range(plan.grid_shape[0]))
    assert plan.evaluations_per_voxel == pytest.approx(inside / length)


@pytest.mark.parametrize("border", ["adaptive", "pad"])
@pytest.mark.parametrize("shape", [(3, 1), (1, 1), (8, 5)])
def test_a_patch_larger_than_the_volume_covers_it(border, shape):
    plan = make_plan(shape, 8, (0.5, 0.0), border=border)
    ones = WeightSums(plan, lambda size: np.ones(size, np.float32)).over(Box((0, 0), shape))
    assert ones.min() >= 1


@pytest.mark.parametrize("border", ["squeeze", "edge", "crop"])
def test_modes_of_whole_patches_say_which_modes_take_a_larger_patch(border):
    with pytest.raises(GeometryError, match="adaptive or pad"):
        make_plan((3, 1), 8, border=border)


@pytest.mark.parametrize("border", get_args(BorderMode))
def test_a_patch_as_large_as_the_volume_lies_once_in_its_place(border):
    plan = make_plan((7, 1), (7, 1), (0.5, 0.0), border=border)
    assert [plan.patch_box(i) for i in np.ndindex(plan.grid_shape)] == [Box((0, 0), (7, 1))]


@given(length=st.integers(1, 60), patch=st.integers(1, 20), divisor=st.integers(1, 4), smallest=st.integers(1, 20))
def test_smaller_patches_are_multiples_and_not_too_small(length, patch, divisor, smallest):
    patch *= divisor
    least = -(-smallest // divisor) * divisor
    if least > patch or length < least:
        with pytest.raises(GeometryError):
            axis_grid(length, patch, patch, "adaptive", divisor=divisor, smallest=smallest)
        return
    grid = axis_grid(length, patch, patch, "adaptive", divisor=divisor, smallest=smallest)
    assert all(size % divisor == 0 and least <= size <= patch for size in grid.sizes)
    assert grid.starts[0] == 0
    assert grid.interval(len(grid) - 1)[1] == length
    assert all(a + n >= b for a, n, b in zip(grid.starts, grid.sizes, grid.starts[1:], strict=False))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 2, 3, 64, 65, 512])
def test_every_window_is_symmetric_and_weighs_every_voxel(kind, size):
    weights = window_array(Window(kind=kind), (size,))
    assert weights.min() > 0
    assert weights.max() <= 1
    np.testing.assert_allclose(weights, weights[::-1], rtol=1e-5)


@pytest.mark.parametrize("size", [4, 5, 64])
def test_hann_and_triangle_are_scipys_sampled_at_voxel_centres(size):
    """Twice as many samples and one of the periodic form hold the centres at every second place."""
    hann = scipy_windows.hann(2 * size, sym=False)[1::2]
    np.testing.assert_allclose(axis_weights(Window(kind="hann"), size), hann, atol=1e-12)
    triangle = scipy_windows.bartlett(2 * size, sym=False)[1::2]
    np.testing.assert_allclose(axis_weights(Window(kind="triangle"), size), triangle, atol=1e-12)


@pytest.mark.parametrize("kind", ["hann", "triangle"])
def test_at_half_overlap_the_weights_sum_to_a_constant(kind):
    plan = make_plan((64,), 16, 0.5)
    sums = WeightSums(plan, lambda shape: window_array(Window(kind=kind), shape)).over(Box((8,), (56,)))
    np.testing.assert_allclose(sums, 1, rtol=1e-6)


@pytest.mark.parametrize("sigma", [1e-3, 0.05, 0.3, 100.0])
def test_a_gaussian_of_any_width_is_scipys_with_a_floor(sigma):
    found = window_array(Window(sigma=sigma), (9, 12))
    product = np.outer(*(scipy_windows.gaussian(n, sigma * n) for n in (9, 12)))
    np.testing.assert_allclose(found, np.maximum(product, 1e-3), rtol=1e-6)


@pytest.mark.parametrize(("kind", "border"), list(itertools.product(KINDS, get_args(BorderMode))))
def test_sums_of_any_window_over_any_grid_are_those_of_the_weights_one_by_one(kind, border):
    window = Window(kind=kind)
    plan = make_plan((11, 6), (4, 3), (0.5, 0.25), border=border, window=window)
    expected = np.zeros((32, 32))
    for index in np.ndindex(plan.grid_shape):
        box = plan.patch_box(index).within((-8, -8))
        expected[box.slices] += window_array(window, box.shape)
    factor = (lambda size, axis: axis_weights(window, size, axis)) if is_separable(window) else None
    found = WeightSums(plan, lambda shape: window_array(window, shape), factor).over(Box((0, 0), plan.shape))
    np.testing.assert_allclose(found, expected[8:19, 8:14], rtol=1e-6)
    assert found[covered_box(plan).slices].min() > 0


def test_weights_of_your_own_are_kept_and_hashable():
    weights = np.arange(1.0, 13.0).reshape(3, 4)
    window = Window.from_array(weights)
    assert hash(window) == hash(Window.from_array(weights.copy()))
    assert window != Window.from_array(weights + 1)
    assert not is_separable(window)
    np.testing.assert_array_equal(window_array(window, (3, 4)), weights)
    assert make_plan((9, 9), (3, 4), window=window, border="pad").window is window


@pytest.mark.parametrize("weights", [[0.0, 1.0], [-1.0, 1.0], [np.nan, 1.0], [np.inf, 1.0], []])
def test_weights_that_would_lose_a_voxel_are_refused(weights):
    with pytest.raises(SettingsError, match="finite weights above 0"):
        Window.from_array(weights)


def test_factors_of_your_own_multiply():
    window = Window.from_factors([1.0, 2.0, 4.0], [1.0, 0.5, 0.25, 3.0])
    expected = [[1, 0.5, 0.25, 3], [2, 1, 0.5, 6], [4, 2, 1, 12]]
    np.testing.assert_array_equal(window_array(window, (3, 4)), expected)
    assert is_separable(window)
    assert window == Window.from_factors(*window.factors)
    assert window != Window.from_factors([1.0, 2.0, 4.0], [1.0, 0.5, 0.25, 2.0])
    with pytest.raises(GeometryError, match="one weight for each voxel"):
        make_plan((9, 9), (4, 3), window=window)
    with pytest.raises(GeometryError, match="adaptive makes smaller patches"):
        make_plan((10, 10), (3, 4), 0, window=window, border="adaptive")
    with pytest.raises(GeometryError, match="got 3 along axis 1"):
        axis_weights(window, 3, 1)


@pytest.mark.parametrize("rows", [[], [[]], [[1.0, 0.0]], [[1.0], [np.nan]], [[[1.0]]], [1.0]])
def test_factors_that_are_none_are_refused(rows):
    with pytest.raises(SettingsError, match="Factors of a window need"):
        Window.from_factors(*rows)


def test_weights_of_your_own_are_neither_stretched_nor_cut():
    window = Window.from_array(np.ones((4, 4)))
    with pytest.raises(GeometryError, match="one weight for each voxel"):
        make_plan((9, 9), 5, window=window)
    with pytest.raises(GeometryError, match="adaptive makes smaller patches"):
        make_plan((9, 9), 4, 0, window=window, border="adaptive")
    with pytest.raises(GeometryError, match="got a patch of"):
        window_array(window, (4, 3))
