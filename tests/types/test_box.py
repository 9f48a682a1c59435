"""Boxes behave as the sets of voxels that they describe."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.types import Box

spans = st.tuples(st.integers(-5, 15), st.integers(-5, 15))


def voxels(box: Box) -> set[tuple[int, int]]:
    (a, c), (b, d) = box.start, box.stop
    return {(y, x) for y in range(a, b) for x in range(c, d)}


@given(spans, spans, spans, spans)
def test_boxes_are_sets_of_voxels(a: tuple, b: tuple, c: tuple, d: tuple) -> None:
    one, other = Box(a, b), Box(c, d)
    assert one.size == len(voxels(one))
    assert voxels(one.intersect(other)) == voxels(one) & voxels(other)
    assert one.intersect(other) == other.intersect(one)
    assert voxels(one.within(c)) == {(y - c[0], x - c[1]) for y, x in voxels(one)}


def test_slices_cut_the_box_from_an_array() -> None:
    array = np.arange(30).reshape(5, 6)
    box = Box((1, 2), (4, 5))
    np.testing.assert_array_equal(array[box.slices], array[1:4, 2:5])
    assert array[box.slices].shape == box.shape
