"""Weight sums equal the plain sum of all windows, and normalise it to one."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import boxes, plans

from napari_seamless.blend import WeightSums, weight_sums
from napari_seamless.plan import axis_weights, covered_box, is_separable, make_plan, window_array
from napari_seamless.types import Box, Plan


def sums_of(plan: Plan) -> WeightSums:
    window = plan.window
    factor = (lambda size: axis_weights(window, size)) if is_separable(window) else None
    return WeightSums(plan, lambda shape: window_array(window, shape), factor)


def brute_force(plan: Plan) -> np.ndarray:
    """Add the window of every patch into one float64 volume."""
    total = np.zeros(plan.shape)
    for index in np.ndindex(*plan.grid_shape):
        box = plan.patch_box(index)
        total[box.slices] += window_array(plan.window, box.shape)
    return total


@given(plans(), st.data())
def test_sums_over_any_box_equal_the_sum_of_all_windows(plan: Plan, data: st.DataObject) -> None:
    sums, truth = sums_of(plan), brute_force(plan)
    for box in (*(data.draw(boxes(plan.shape)) for _ in range(3)), Box((0,) * len(plan.shape), plan.shape)):
        np.testing.assert_allclose(sums.over(box), truth[box.slices], rtol=1e-6)


@given(plans())
def test_boxes_with_one_key_have_one_answer(plan: Plan) -> None:
    sums, truth = sums_of(plan), brute_force(plan)
    for index in np.ndindex(*plan.chunk_grid):
        box = plan.chunk_box(index)
        np.testing.assert_allclose(sums.over(box), truth[box.slices], rtol=1e-6)


@given(plans())
def test_weights_divided_by_their_sum_add_up_to_one(plan: Plan) -> None:
    whole = Box((0,) * len(plan.shape), plan.shape)
    weights = sums_of(plan).over(whole)
    total = np.zeros(plan.shape, np.float32)
    for index in np.ndindex(*plan.grid_shape):
        box = plan.patch_box(index)
        total[box.slices] += window_array(plan.window, box.shape) / weights[box.slices]
    inside = covered_box(plan).slices
    np.testing.assert_allclose(total[inside], 1, atol=1e-5)
    total[inside] = weights[inside] = 0
    assert not total.any()
    assert not weights.any()


def test_a_regular_grid_is_summed_once_for_all_inner_chunks() -> None:
    plan = make_plan((64, 64), 8, 0.5, chunk=8)
    window = Mock(side_effect=lambda shape: window_array(plan.window, shape))
    sums = WeightSums(plan, window)
    for index in np.ndindex(*plan.chunk_grid):
        sums.over(plan.chunk_box(index))
    # first, inner and last per axis: 9 kinds of chunk, each under at most 9 patches
    assert window.call_count <= 81


def test_the_cache_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan((60, 60), 13, 0.5, border="squeeze", chunk=7)
    monkeypatch.setattr(weight_sums, "_CACHED_BYTES", 1000)
    sums, truth = sums_of(plan), brute_force(plan)
    for _ in range(2):
        for index in np.ndindex(*plan.chunk_grid):
            box = plan.chunk_box(index)
            np.testing.assert_allclose(sums.over(box), truth[box.slices], rtol=1e-6)
            assert sum(block.nbytes for block in sums._cache.values()) <= 1000
