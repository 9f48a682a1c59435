"""Parts of the output: together they are all of it, and none ends inside what is stored whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import boxes, plans_of_any_kind

from napari_seamless.engine.part import Outside, Part, halo_patches, split, whole
from napari_seamless.plan import make_plan
from napari_seamless.types import Plan


@given(plans_of_any_kind(axes=(1, 3)), st.integers(1, 30), st.data())
def test_parts_hold_every_chunk_once_and_no_part_ends_inside_a_unit(
    plan: Plan, tasks: int, data: st.DataObject
) -> None:
    chunks_per_unit = tuple(data.draw(st.integers(1, 4)) for _ in plan.chunk)
    unit = tuple(n * c for n, c in zip(chunks_per_unit, plan.chunk, strict=True))
    parts = split(plan, tasks, unit)
    chunks = [chunk for part in parts for chunk in part]
    assert sorted(chunks) == list(np.ndindex(*plan.chunk_grid))
    units = {chunk: tuple(i // n for i, n in zip(chunk, chunks_per_unit, strict=True)) for chunk in chunks}
    owners: dict[tuple[int, ...], set[int]] = {}
    for number, part in enumerate(parts):
        for chunk in part:
            owners.setdefault(units[chunk], set()).add(number)
    assert all(len(numbers) == 1 for numbers in owners.values())
    assert min(tasks, len(owners)) <= len(parts) <= len(owners)


@given(plans_of_any_kind(axes=(1, 3)), st.data())
def test_the_box_of_a_part_holds_the_voxels_of_its_chunks(plan: Plan, data: st.DataObject) -> None:
    block = data.draw(boxes(plan.chunk_grid))
    part = Part(block.start, block.stop)
    held = np.zeros(plan.shape, int)
    for chunk in part:
        assert chunk in part
        held[plan.chunk_box(chunk).slices] += 1
    held[part.box(plan).slices] -= 1
    assert not held.any()


@given(plans_of_any_kind(axes=(1, 3)))
def test_the_whole_is_the_output(plan: Plan) -> None:
    assert whole(plan).box(plan) == plan.output_box
    assert halo_patches(plan, (whole(plan),)) == 0


@given(plans_of_any_kind(axes=(1, 2)), st.integers(1, 12))
def test_the_halo_counts_patches_that_several_parts_need(plan: Plan, tasks: int) -> None:
    parts, needed = split(plan, tasks), []
    for part in parts:
        box = part.box(plan)
        patches = map(plan.patch_box, np.ndindex(*plan.grid_shape))
        needed.append({patch for patch in patches if patch.intersect(box).size})
    assert halo_patches(plan, parts) == sum(map(len, needed)) - len(set().union(*needed))


def test_outside_is_what_others_finish_and_what_is_finished() -> None:
    outside = Outside(Part((1, 0), (3, 2)), frozenset({(1, 1), (0, 0)}))
    inside = [chunk for chunk in np.ndindex(4, 4) if chunk not in outside]
    assert inside == [(1, 0), (2, 0), (2, 1)]


@pytest.mark.parametrize("tasks", [1, 2, 3, 7, 64, 1000])
def test_the_slowest_axis_is_cut_first(tasks: int) -> None:
    plan = make_plan((640, 640, 640), 64, chunk=64)
    parts = split(plan, tasks)
    pieces = [len({part.start[axis] for part in parts}) for axis in range(3)]
    assert pieces[0] == min(10, tasks)
    assert math.prod(pieces) == len(parts)
    assert tasks <= len(parts) < 2 * tasks
