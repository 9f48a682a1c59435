"""Boxes and volumes behave as the sets of voxels that they describe."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.plan import make_plan
from napari_seamless.types import ArrayLike, Box, Level, Model, ModelSpec, Volume

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


def test_a_volume_tells_space_from_channels_and_time() -> None:
    level = Level(data=np.zeros((1, 2, 3, 4, 5), np.uint16), spacing=(3.0, 1.0, 0.5), translation=(0.0, 0.0, 7.0))
    volume = Volume(name="v", axes=("t", "c", "z", "y", "x"), levels=(level,), units=(None,) * 3)
    assert volume.spatial_axes == ("z", "y", "x")
    assert volume.spatial_shape == (3, 4, 5)
    assert volume.n_channels == 2
    assert volume.dtype == np.uint16
    assert (volume.spacing, volume.translation) == (level.spacing, level.translation)
    assert isinstance(volume.data, ArrayLike)
    flat = Volume(
        name="v", axes=("y", "x"), levels=(dataclasses.replace(level, data=np.zeros((4, 5))),), units=(None,) * 2
    )
    assert flat.n_channels == 1


def test_what_passes_between_rooms_is_frozen_and_can_be_sent_to_another_process() -> None:
    plan = make_plan((20, 30), 8, border="adaptive")
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert {plan: 1}[make_plan((20, 30), 8, border="adaptive")] == 1
    for thing in (plan, plan.grids[0], plan.window, Box((0,), (1,)), ModelSpec(name="n")):
        field = dataclasses.fields(thing)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field, None)


def test_a_thing_without_a_spec_is_no_model() -> None:
    assert not isinstance(lambda x: x, Model)
