"""What holds for every plan: any border mode, window and region, in one to five axes."""

from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import GIVEN, WINDOWS, boxes, plans_of_any_kind

from napari_seamless.blend import WeightSums
from napari_seamless.plan import axis_weights, covered_box, is_separable, make_plan, uncovered_chunks, window_array
from napari_seamless.types import BorderMode, Box, Plan

PAIRS = [
    (border, kind)
    for border, kind in itertools.product(get_args(BorderMode), WINDOWS)
    if border != "adaptive" or kind not in GIVEN
]


def times_covered(plan: Plan, weigh: bool = False) -> np.ndarray:
    """Return the number of patches at each voxel of the volume, or the sum of their weights."""
    total = np.zeros([before + n + after for n, (before, after) in zip(plan.shape, plan.pad_width, strict=True)])
    first = tuple(before for before, _ in plan.pad_width)
    for index in np.ndindex(*plan.grid_shape):
        box = plan.patch_box(index).within(tuple(-n for n in first))
        total[box.slices] += window_array(plan.window, box.shape).astype(np.float64) if weigh else 1
    return total[Box((0,) * len(first), plan.shape).within(tuple(-n for n in first)).slices]


@given(plans_of_any_kind(axes=(1, 5)))
def test_chunks_partition_the_output(plan: Plan) -> None:
    times = np.zeros(plan.shape, int)
    for index in np.ndindex(*plan.chunk_grid):
        box = plan.chunk_box(index)
        assert box.size > 0
        assert all(size <= chunk for size, chunk in zip(box.shape, plan.chunk, strict=True))
        times[box.slices] += 1
    wanted = np.zeros(plan.shape, int)
    wanted[plan.output_box.slices] = 1
    np.testing.assert_array_equal(times, wanted)


@given(plans_of_any_kind(axes=(1, 5)))
def test_patches_cover_the_output_and_are_counted(plan: Plan) -> None:
    times = times_covered(plan)[plan.output_box.slices]
    assert plan.evaluations_per_voxel == pytest.approx(times.mean())
    covered = np.zeros(plan.shape, bool)
    covered[covered_box(plan).slices] = True
    np.testing.assert_array_equal(times > 0, covered[plan.output_box.slices])
    assert plan.border == "crop" or times.min() >= 1
    bare = {i for i in np.ndindex(*plan.chunk_grid) if not covered[plan.chunk_box(i).slices].any()}
    assert set(uncovered_chunks(plan)) == bare


@given(plans_of_any_kind(), st.data())
def test_patches_and_chunks_that_touch_a_box_are_those_of_brute_force(plan: Plan, data: st.DataObject) -> None:
    box = data.draw(boxes(plan.shape))
    patches = [i for i in np.ndindex(*plan.grid_shape) if plan.patch_box(i).intersect(box).size]
    chunks = [i for i in np.ndindex(*plan.chunk_grid) if plan.chunk_box(i).intersect(box).size]
    assert list(itertools.product(*plan.touching(box))) == patches
    assert list(plan.chunks_touching(box)) == chunks


@pytest.mark.parametrize(("border", "kind"), PAIRS)
@settings(max_examples=settings.default.max_examples // 6)  # for each of 24 pairs
@given(data=st.data())
def test_the_normalised_weights_of_every_voxel_sum_to_one(border: BorderMode, kind: str, data: st.DataObject) -> None:
    plan = data.draw(plans_of_any_kind(borders=[border], kinds=[kind]))
    window = plan.window
    factor = (lambda size, axis: axis_weights(window, size, axis)) if is_separable(window) else None
    sums = WeightSums(plan, lambda shape: window_array(window, shape), factor)
    weights, covered = times_covered(plan, weigh=True), covered_box(plan)
    for index in np.ndindex(*plan.chunk_grid):
        box = plan.chunk_box(index)
        inside = box.intersect(covered)
        if inside.size:
            found = sums.over(box)[inside.within(box.start).slices]
            np.testing.assert_allclose(weights[inside.slices] / found, 1, rtol=1e-6)


@pytest.mark.parametrize("border", get_args(BorderMode))
def test_a_trillion_patches_of_any_border_mode_take_no_lists(border: BorderMode) -> None:
    plan = make_plan((320_033,) * 3, 64, border=border)
    assert plan.n_patches >= 10**12
    assert plan.evaluations_per_voxel == pytest.approx(8, rel=1e-2)
    assert sum(len(grid.starts) for grid in plan.grids) < 40_000
