"""Weight sums equal the plain sum of all windows, and normalise it to one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import boxes, plans, plans_of_any_kind

from napari_seamless.blend import WeightSums, weight_sums
from napari_seamless.plan import axis_weights, covered_box, is_separable, make_plan, window_array
from napari_seamless.types import Box, Plan, Window, WindowKind


def sums_of(plan: Plan) -> WeightSums:
    window = plan.window
    factor = (lambda size, axis: axis_weights(window, size, axis)) if is_separable(window) else None
    return WeightSums(plan, lambda shape: window_array(window, shape), factor)


def brute_force(plan: Plan) -> np.ndarray:
    """Add the window of every patch into one float64 volume."""
    total = np.zeros(plan.shape)
    for index in np.ndindex(*plan.grid_shape):
        box = plan.patch_box(index)
        total[box.slices] += window_array(plan.window, box.shape)
    return total


def raster_sum(plan: Plan) -> np.ndarray:
    """Add the float32 window of every patch in raster order in float64, volume and surroundings, and round once."""
    before = tuple(a for a, _ in plan.pad_width)
    total = np.zeros(tuple(n + a + b for n, (a, b) in zip(plan.shape, plan.pad_width, strict=True)))
    for index in np.ndindex(*plan.grid_shape):
        box = plan.patch_box(index)
        total[box.within(tuple(-a for a in before)).slices] += window_array(plan.window, box.shape)
    return total[tuple(slice(a, a + n) for a, n in zip(before, plan.shape, strict=True))].astype(np.float32)


@given(plans(), st.data())
def test_sums_over_any_box_equal_the_sum_of_all_windows(plan: Plan, data: st.DataObject) -> None:
    sums, truth = sums_of(plan), brute_force(plan)
    for box in (*(data.draw(boxes(plan.shape)) for _ in range(3)), Box((0,) * len(plan.shape), plan.shape)):
        np.testing.assert_allclose(sums.over(box), truth[box.slices], rtol=1e-6)


@given(plans_of_any_kind(kinds=["gaussian", "array"]), st.data())
def test_float32_weights_are_summed_without_rounding_and_rounded_once(plan: Plan, data: st.DataObject) -> None:
    truth = raster_sum(plan)
    sums = sums_of(plan)
    for box in (*(data.draw(boxes(plan.shape)) for _ in range(3)), Box((0,) * len(plan.shape), plan.shape)):
        assert sums.over(box).tobytes() == truth[box.slices].tobytes()


@given(plans_of_any_kind(), st.data())
def test_the_sum_at_a_voxel_does_not_depend_on_the_box(plan: Plan, data: st.DataObject) -> None:
    whole = sums_of(plan).over(Box((0,) * len(plan.shape), plan.shape))
    for index in np.ndindex(*plan.chunk_grid):
        box = plan.chunk_box(index)
        assert sums_of(plan).over(box).tobytes() == whole[box.slices].tobytes()


def test_weights_too_far_apart_for_an_exact_sum_depend_on_the_box_as_little() -> None:
    exponents = np.random.default_rng(0).integers(-30, 30, (9, 8, 7))
    plan = make_plan((31, 30, 29), (9, 8, 7), 0.7, window=Window.from_array(1.1 * 2.0**exponents))
    whole, truth = sums_of(plan).over(Box((0, 0, 0), plan.shape)), raster_sum(plan)
    np.testing.assert_array_max_ulp(whole, truth, 1)
    sums = sums_of(plan)
    for start in np.ndindex(5, 5, 5):
        box = Box(tuple(5 * i for i in start), tuple(min(5 * i + 7, n) for i, n in zip(start, plan.shape, strict=True)))
        assert sums.over(box).tobytes() == whole[box.slices].tobytes()


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
    blocks = {id(sums.over(plan.chunk_box(index))) for index in np.ndindex(*plan.chunk_grid)}
    # first, inner and last per axis: 9 kinds of chunk; along the first axis each kind meets at most 3 patches
    assert len(blocks) == 9
    assert window.call_count <= 9


def test_an_irregular_grid_adds_whole_windows_once_for_each_interval_of_the_first_axis() -> None:
    plan = make_plan((90, 91, 92), 20, 0.5, border="squeeze", chunk=16)
    window = Mock(side_effect=lambda shape: window_array(plan.window, shape))
    sums, truth = WeightSums(plan, window), raster_sum(plan)
    for index in np.ndindex(*plan.chunk_grid):
        box = plan.chunk_box(index)
        assert sums.over(box).tobytes() == truth[box.slices].tobytes()
    assert window.call_count == sum(len(plan.grids[0].touching(lo, lo + 16)) for lo in range(0, 90, 16))


@pytest.mark.parametrize("kind", ["gaussian", "hann"])
def test_the_cache_is_bounded_in_bytes(kind: WindowKind, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan((60, 60), 13, 0.5, border="squeeze", chunk=7, window=Window(kind=kind))
    monkeypatch.setattr(weight_sums, "_CACHED_BYTES", 2000)
    sums, truth = sums_of(plan), brute_force(plan)
    for _ in range(2):
        for index in np.ndindex(*plan.chunk_grid):
            box = plan.chunk_box(index)
            np.testing.assert_allclose(sums.over(box), truth[box.slices], rtol=1e-6)
            held = sum(block.nbytes for block in sums._kept.values())
            assert sums._bytes == held <= 2000
            assert held > 0


def test_several_threads_get_what_one_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan((60, 60), 13, 0.5, chunk=7)
    monkeypatch.setattr(weight_sums, "_CACHED_BYTES", 5000)
    sums, truth = sums_of(plan), raster_sum(plan)
    chunks = list(map(plan.chunk_box, np.ndindex(*plan.chunk_grid))) * 4
    with ThreadPoolExecutor(4) as pool:
        for box, block in zip(chunks, pool.map(sums.over, chunks), strict=True):
            assert block.tobytes() == truth[box.slices].tobytes()
    assert sums._bytes == sum(block.nbytes for block in sums._kept.values())
