"""A whole plan: steps, boxes, chunks, cost, and sizes that no list could hold."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from monai.data.utils import dense_patch_slices
from monai.inferers.utils import _get_scan_interval
from tests.strategies import boxes, plans

from napari_seamless.errors import GeometryError, SettingsError
from napari_seamless.plan import Batches, covered_box, make_plan, patch_step, per_axis, uncovered_chunks
from napari_seamless.types import Plan, Window


@pytest.mark.parametrize("patch", [1, 2, 7, 16, 64, 96, 100])
@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.25, 0.5, 0.625, 0.75, 0.9])
def test_the_step_is_that_of_monai_but_for_the_rounding_of_decimals(patch: int, overlap: float) -> None:
    (theirs,) = _get_scan_interval((1000,), (patch,), 1, (overlap,))
    tenths = round(patch * (1000 - round(overlap * 1000)))  # thousandths of a voxel, exactly
    assert patch_step(patch, overlap) == max(1, tenths // 1000)
    assert patch_step(patch, overlap) - theirs in ((0, 1) if tenths % 1000 == 0 else (0,))


@given(plans(border="edge"))
def test_patch_boxes_in_raster_order_are_those_of_monai(plan: Plan) -> None:
    theirs = dense_patch_slices(plan.shape, plan.patch_size, plan.step)
    ours = [plan.patch_box(index).slices for index in np.ndindex(*plan.grid_shape)]
    assert [tuple((s.start, s.stop) for s in box) for box in ours] == [
        tuple((int(s.start), int(s.stop)) for s in box) for box in theirs
    ]
    assert plan.n_patches == len(theirs)


@given(plans())
def test_chunk_boxes_partition_the_volume(plan: Plan) -> None:
    times = np.zeros(plan.shape, int)
    for index in np.ndindex(*plan.chunk_grid):
        times[plan.chunk_box(index).slices] += 1
    assert np.all(times == 1)


@given(plans(), st.data())
def test_touching_patches_and_chunks_equal_brute_force(plan: Plan, data: st.DataObject) -> None:
    box = data.draw(boxes(plan.shape))
    patches = [i for i in np.ndindex(*plan.grid_shape) if plan.patch_box(i).intersect(box).size]
    chunks = [i for i in np.ndindex(*plan.chunk_grid) if plan.chunk_box(i).intersect(box).size]
    assert list(itertools.product(*plan.touching(box))) == patches
    assert list(plan.chunks_touching(box)) == chunks


@given(plans())
def test_evaluations_per_voxel_and_covered_box_equal_counting(plan: Plan) -> None:
    times = np.zeros(plan.shape, int)
    for index in np.ndindex(*plan.grid_shape):
        times[plan.patch_box(index).slices] += 1
    assert plan.evaluations_per_voxel == pytest.approx(times.mean())
    inside = np.zeros(plan.shape, bool)
    inside[covered_box(plan).slices] = True
    np.testing.assert_array_equal(times > 0, inside)


@given(plans())
def test_uncovered_chunks_are_exactly_those_without_a_patch(plan: Plan) -> None:
    touched = {c for i in np.ndindex(*plan.grid_shape) for c in plan.chunks_touching(plan.patch_box(i))}
    assert set(uncovered_chunks(plan)) == set(np.ndindex(*plan.chunk_grid)) - touched
    assume(plan.border != "crop")
    assert not set(uncovered_chunks(plan))


def test_a_trillion_patches_are_planned_without_listing_them() -> None:
    plan = make_plan((320_000,) * 3, 64, 0.5)
    assert plan.n_patches > 10**11 * 9
    held = sum(sys.getsizeof(grid.starts) + sys.getsizeof(grid.sizes) for grid in plan.grids)
    assert held < 10**6
    first = Batches(plan)[0]
    assert first == ((0, 0, 0),)
    assert list(plan.chunks_touching(plan.patch_box((9_998, 9_998, 9_998)))) == [(4999, 4999, 4999)]


@pytest.mark.parametrize("value", [64, np.int64(64), [64], (64,), np.array([64, 64, 64])])
def test_one_value_stands_for_every_axis(value: object) -> None:
    assert per_axis("patch_size", value, 3) == (64, 64, 64)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"patch_size": (8, 8)}, "patch_size needs 1 or 3 values"),
        ({"patch_size": 8, "overlap": 1.0}, "overlap must be at least 0 and below 1, got 1"),
        ({"patch_size": 8, "overlap": float("nan")}, "overlap must be at least 0 and below 1, got nan"),
        ({"patch_size": 10, "divisor": 4, "axes": "zyx"}, "patch size along z is 10, .* multiple of 4; try 8"),
        ({"patch_size": 2, "divisor": 8}, "multiple of 8; try 8"),
        ({"patch_size": 32, "axes": "zyx"}, "patch size along z is 32 but the volume has only 20"),
        ({"patch_size": 8, "chunk": 0}, "chunk and batch_size must be at least 1"),
        ({"patch_size": 8, "batch_size": 0}, "chunk and batch_size must be at least 1"),
        ({"patch_size": 0}, "step along axis 0 must be 1 to the patch size 0"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(options: dict[str, object], says: str) -> None:
    with pytest.raises(GeometryError, match=says):
        make_plan((20, 20, 20), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [{"kind": "kaiser"}, {"sigma": 0.0}, {"floor": 0.0}, {"floor": 1.5}])
def test_a_window_that_does_not_exist_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"try (gaussian|0\.125)"):
        Window(**values)  # type: ignore[arg-type]
