"""Which patches make a batch, and which batches touch a box."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import plans

from napari_seamless.plan import Batches, make_plan
from napari_seamless.types import Plan


@given(plans())
def test_batches_hold_every_patch_once_in_raster_order(plan: Plan) -> None:
    patches = [index for batch in Batches(plan) for index in batch]
    assert patches == list(np.ndindex(*plan.grid_shape))


@given(plans())
def test_a_batch_holds_patches_of_one_size_and_knows_its_number(plan: Plan) -> None:
    batches = Batches(plan)
    for number in range(len(batches)):
        batch = batches[number]
        assert 1 <= len(batch) <= plan.batch_size
        assert len({plan.patch_box(index).shape for index in batch}) == 1
        assert {batches.number(index) for index in batch} == {number}
    with pytest.raises(IndexError):
        batches[len(batches)]


@given(plans())
def test_a_regular_grid_fills_every_batch_but_the_last(plan: Plan) -> None:
    if plan.border != "adaptive":
        assert len(Batches(plan)) == math.ceil(math.prod(plan.grid_shape) / plan.batch_size)


@given(plans(), st.data())
def test_batches_that_touch_a_box_equal_brute_force(plan: Plan, data: st.DataObject) -> None:
    ends = [sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in plan.grid_shape]
    ranges = [range(a, b) for a, b in ends]
    batches = Batches(plan)
    found = list(batches.touching(ranges))
    wanted = {
        batches.number(i) for i in np.ndindex(*plan.grid_shape) if all(j in r for j, r in zip(i, ranges, strict=True))
    }
    assert found == sorted(wanted)


def test_a_batch_of_a_huge_plan_is_found_at_once() -> None:
    batches = Batches(make_plan((640_000,) * 3, 64, 0, batch_size=4))
    assert len(batches) == 10**12 // 4
    assert batches.number(batches[10**11][0]) == 10**11
