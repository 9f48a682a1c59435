"""Which batch comes next: each that is wanted once, and first what is looked at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import boxes, plans_of_any_kind

from napari_seamless.engine.agenda import Agenda
from napari_seamless.engine.part import Outside, Part, whole
from napari_seamless.plan import Batches, make_plan
from napari_seamless.types import Box, Plan

Index = tuple[int, ...]


def meet(a: Box, b: Box) -> bool:
    return all(max(p, r) < min(q, s) for p, q, r, s in zip(a.start, a.stop, b.start, b.stop, strict=True))


def batches_by_chunk(plan: Plan) -> dict[Index, set[int]]:
    """Return the numbers of the batches with a patch on each chunk, by looking at every pair."""
    places = {chunk: plan.chunk_box(chunk) for chunk in np.ndindex(*plan.chunk_grid)}
    found: dict[Index, set[int]] = {chunk: set() for chunk in places}
    for number, batch in enumerate(Batches(plan)[:]):
        for patch in map(plan.patch_box, batch):
            for chunk, place in places.items():
                if meet(patch, place):
                    found[chunk].add(number)
    return found


def union(by_chunk: dict[Index, set[int]], chunks: Iterable[Index]) -> set[int]:
    return set().union(*(by_chunk[chunk] for chunk in chunks))


@st.composite
def small_plans(draw: st.DrawFn) -> Plan:
    """Draw a plan of any kind with few enough patches and chunks to look at every pair."""
    return draw(plans_of_any_kind(axes=(1, 3)).filter(lambda p: math.prod((*p.grid_shape, *p.chunk_grid)) < 4000))


@st.composite
def outsides(draw: st.DrawFn, plan: Plan) -> Outside:
    """Draw a block of chunks to finish and some that are finished already."""
    block = draw(boxes(plan.chunk_grid))
    part = draw(st.sampled_from([whole(plan), Part(block.start, block.stop)]))
    chunks = list(np.ndindex(*plan.chunk_grid))
    return Outside(part, frozenset(draw(st.lists(st.sampled_from(chunks), max_size=len(chunks)))))


@st.composite
def sights(draw: st.DrawFn, plan: Plan) -> list[Box | None]:
    """Draw what is looked at from one batch to the next; boxes may lie beyond the volume."""
    beyond = Box(tuple(n + 1 for n in plan.shape), tuple(n + 9 for n in plan.shape))
    empty = Box((0,) * len(plan.shape), (0,) * len(plan.shape))
    return draw(st.lists(st.none() | st.just(beyond) | st.just(empty) | boxes(plan.shape), min_size=1, max_size=30))


class Sight:
    """Look at the next box each time that somebody asks, the last one from then on."""

    def __init__(self, sights: Sequence[Box | None]) -> None:
        self.now: Box | None = None
        self._next = iter(sights)

    def __call__(self) -> Box | None:
        self.now = next(self._next, self.now)
        return self.now


@given(small_plans(), st.data())
def test_every_wanted_batch_comes_once_whatever_is_looked_at(plan: Plan, data: st.DataObject) -> None:
    outside, batches, by_chunk = data.draw(outsides(plan)), Batches(plan), batches_by_chunk(plan)
    agenda = Agenda(plan, outside, Sight(data.draw(sights(plan))))
    numbers = [batches.number(batch[0]) for batch in agenda]
    wanted = union(by_chunk, (chunk for chunk in outside.part if chunk not in outside.done))
    assert sorted(numbers) == sorted(wanted)
    part, others = outside.part.box(plan), union(by_chunk, outside.part) - wanted
    passed = [patch for number in others for patch in batches[number] if meet(plan.patch_box(patch), part)]
    assert agenda.passed_over == len(passed)
    assert not agenda._ahead


@given(small_plans(), st.data())
def test_what_is_looked_at_comes_next(plan: Plan, data: st.DataObject) -> None:
    outside, batches, sight = data.draw(outsides(plan)), Batches(plan), Sight(data.draw(sights(plan)))
    by_chunk = batches_by_chunk(plan)
    rest = union(by_chunk, (chunk for chunk in outside.part if chunk not in outside.done))
    for batch in Agenda(plan, outside, sight):
        seen = [chunk for chunk in outside.part if sight.now and meet(plan.chunk_box(chunk), sight.now)]
        first = rest & union(by_chunk, seen)
        assert batches.number(batch[0]) == min(first or rest)
        rest.remove(batches.number(batch[0]))
    assert not rest


def test_without_anything_in_sight_the_order_is_the_raster_order() -> None:
    plan = make_plan((50, 40), 8, 0.5, batch_size=3)
    assert list(Agenda(plan, Outside(whole(plan), frozenset()))) == list(Batches(plan)[:])


def test_memory_is_for_what_was_taken_out_of_its_turn_until_its_turn_has_passed() -> None:
    plan = make_plan((80, 80), 8, 0, chunk=8)
    looked_at: list[Box | None] = [Box((40, 0), (48, 80)), None]
    agenda = Agenda(plan, Outside(whole(plan), frozenset()), lambda: looked_at[0])
    batches = iter(agenda)
    assert [next(batches)[0][0] for _ in range(10)] == [5] * 10
    assert len(agenda._ahead) == 10
    looked_at.pop(0)
    rows = [next(batches)[0][0] for _ in range(60)]
    assert rows == sorted([0, 1, 2, 3, 4, 6] * 10)
    assert not agenda._ahead


@pytest.mark.parametrize("sight", [None, Box((0, 0), (80, 80)), Box((0, 0), (999, 999)), Box((80, 0), (90, 9))])
def test_everything_or_nothing_in_sight_is_the_raster_order_and_takes_no_memory(sight: Box | None) -> None:
    plan = make_plan((80, 80), 8, 0, chunk=8)
    agenda = Agenda(plan, Outside(whole(plan), frozenset()), lambda: sight)
    for number, batch in enumerate(agenda):
        assert batch == Batches(plan)[number]
        assert not agenda._ahead


def test_a_look_back_at_what_is_finished_changes_nothing() -> None:
    plan = make_plan((80,), 8, 0, chunk=8)
    looked_at: list[Box | None] = [None]
    agenda = iter(Agenda(plan, Outside(whole(plan), frozenset()), lambda: looked_at[0]))
    order = [next(agenda)[0][0] for _ in range(5)]
    looked_at[0] = Box((0,), (30,))
    order += [batch[0][0] for batch in agenda]
    assert order == list(range(10))


def test_a_huge_plan_starts_at_once_wherever_somebody_looks() -> None:
    plan = make_plan((640_000,) * 3, 64, 0, batch_size=4)
    looked_at = Box((320_000,) * 3, (320_064,) * 3)
    agenda = iter(Agenda(plan, Outside(whole(plan), frozenset()), lambda: looked_at))
    assert {(5000, 5000, 5000)} <= set(next(agenda))
    assert [next(agenda) for _ in range(2)] == list(Batches(plan)[:2])


def test_what_is_finished_is_passed_over_and_counted() -> None:
    plan = make_plan((64, 64), 16, 0.5, chunk=16)
    done = frozenset(chunk for chunk in np.ndindex(*plan.chunk_grid) if chunk != (3, 3))
    agenda = Agenda(plan, Outside(whole(plan), done))
    assert [patch for batch in agenda for patch in batch] == [(5, 5), (5, 6), (6, 5), (6, 6)]
    assert agenda.passed_over == math.prod(plan.grid_shape) - 4


def test_the_patches_of_a_batch_that_touch_a_region_are_counted() -> None:
    plan = make_plan((64, 64), 16, 0, chunk=16, batch_size=3, region=Box((16, 16), (48, 48)))
    agenda = Agenda(plan, Outside(whole(plan), frozenset()))
    batches = list(agenda)
    assert sum(map(agenda.count, batches)) == plan.n_patches == 4
    assert sum(map(len, batches)) > 4
