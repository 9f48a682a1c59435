"""The order of patches, and when a chunk needs the next one."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import plans

from napari_seamless.plan import batches, last_touch, next_touch
from napari_seamless.types import Plan


@given(plans())
def test_batches_hold_every_patch_once_in_raster_order(plan: Plan) -> None:
    patches = [index for batch in batches(plan) for index in batch]
    assert patches == list(np.ndindex(*plan.grid_shape))


@given(plans())
def test_a_batch_holds_patches_of_one_size_and_one_row(plan: Plan) -> None:
    for batch in batches(plan):
        assert 1 <= len(batch) <= plan.batch_size
        assert len({plan.patch_box(index).shape for index in batch}) == 1
        assert len({index[0] for index in batch}) == 1


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), min_size=1, max_size=4),
    st.lists(st.integers(0, 9), min_size=4, max_size=4),
)
def test_next_and_last_touch_equal_brute_force(spans: list[tuple[int, int]], after: list[int]) -> None:
    ranges = [range(start, start + n) for start, n in spans]
    patch = tuple(after[: len(ranges)])
    touching = list(itertools.product(*ranges))
    assert next_touch(ranges, patch) == min((index for index in touching if index > patch), default=None)
    assert last_touch(ranges) == max(touching)
