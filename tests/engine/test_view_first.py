"""What is looked at is finished first, and the result is the same."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.engine.networks import Counting, Network, as_model, image, local_network, numbered
from torch import nn

from napari_seamless import segment
from napari_seamless.blend import Scratch
from napari_seamless.engine import ChunkWritten, Control, Event, Progress
from napari_seamless.errors import RunCancelledError
from napari_seamless.plan import make_plan
from napari_seamless.types import Box, Plan

Index = tuple[int, ...]

SHAPE = (96, 90)
AHEAD = 3
"""Batches that one lane holds at once; two threads may bring theirs in another order."""
OPTIONS: dict[str, Any] = {"patch_size": 12, "overlap": 0.5, "chunk_size": 8, "device": "cpu", "write": "probabilities"}
SIGHTS = [
    Box((80, 70), (88, 90)), None, Box((40, 0), (56, 90)), Box((0, 40), (96, 48)), Box((500, 0), (600, 10)),
    Box((90, 80), (200, 300)), Box((8, 8), (8, 8)),
]  # fmt: skip


class Rounding(nn.Module):
    """A network whose sums round, so that another order of summation shows in the bytes; it counts its patches."""

    def __init__(self) -> None:
        super().__init__()
        self.network = local_network(2)
        self.lock = threading.Lock()
        self.patches = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with self.lock:
            self.patches += len(x)
        return self.network(x)


class Looking:
    """Look at the next box after every few batches; remember the chunks in the order of their writing."""

    def __init__(self, sights: Sequence[Box | None], every: int = 5) -> None:
        self.control = Control()
        self.written: list[Box] = []
        self._sights, self._every, self._batches = sights, every, 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, ChunkWritten):
            self.written.append(event.box)
        if isinstance(event, Progress):
            if self._batches % self._every == 0:
                self.control.look_at(self._sights[self._batches // self._every % len(self._sights)])
            self._batches += 1

    def run(self, network: Network, output: Path | None = None, **change: Any) -> np.ndarray:
        options = OPTIONS | change
        result = segment(image(SHAPE), network, output, on_event=self, control=self.control, **options)
        assert len(self.written) == len(set(self.written)) == np.prod(result.plan.chunk_grid)
        return np.asarray(result.array[...])


@pytest.fixture
def spilled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Return the keys of what went to the scratch store."""
    keys: list[tuple[int, ...]] = []
    save = Scratch.save

    def saving(self: Scratch, key: tuple[int, ...], sums: torch.Tensor) -> None:
        keys.append(key)
        save(self, key, sums)

    monkeypatch.setattr(Scratch, "save", saving)
    return keys


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("lanes", [1, 3])
def test_looking_around_changes_no_byte_and_evaluates_nothing_twice(batch: int, lanes: int, tmp_path: Path) -> None:
    plain, around = Rounding(), Rounding()
    whole = np.asarray(segment(image(SHAPE), plain, batch_size=batch, **OPTIONS).array)
    torch.set_num_threads(lanes)
    found = Looking(SIGHTS).run(around, tmp_path / "o", batch_size=batch, threads=1)
    assert found.tobytes() == whole.tobytes()
    assert around.patches == plain.patches == 15 * 14


@pytest.mark.parametrize("lanes", [1, 4])
def test_parts_that_wait_for_their_turn_go_to_scratch_and_come_back(
    lanes: int, spilled: list[tuple[int, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = np.asarray(segment(image(SHAPE), Rounding(), **OPTIONS).array)
    assert not spilled
    from napari_seamless.engine import corridor
    from napari_seamless.engine.memory import SumsPlace

    least = 3 * 4 * 8 * 8 * 9  # the chunks under one patch, 3 classes
    monkeypatch.setattr(corridor, "sums_place", lambda *_: SumsPlace(torch.device("cpu"), least))
    torch.set_num_threads(lanes)
    found = Looking(SIGHTS, every=2).run(Rounding(), tmp_path / "o", threads=1)
    assert found.tobytes() == whole.tobytes()
    waiting = [key for key in spilled if len(key) == 3]
    sums = [key for key in spilled if len(key) == 2]
    assert waiting
    assert sums
    assert [path.name for path in tmp_path.iterdir()] == ["o"]


def test_the_smallest_budget_is_enough_whatever_is_looked_at(tmp_path: Path) -> None:
    whole = np.asarray(segment(image(SHAPE), Rounding(), **OPTIONS).array)
    for sight in SIGHTS[:4:3]:
        found = Looking([sight]).run(Rounding(), tmp_path / f"{sight}", memory_budget="1MiB")
        assert found.tobytes() == whole.tobytes()


def in_sight(box: Box, sight: Box) -> bool:
    return box.intersect(sight).size > 0


def patches_of(plan: Plan, box: Box) -> set[Index]:
    """Return the patches that touch the chunks under a box, by looking at all of them."""
    chunks = [chunk for chunk in map(plan.chunk_box, np.ndindex(*plan.chunk_grid)) if in_sight(chunk, box)]
    return {patch for patch in np.ndindex(*plan.grid_shape) if any(in_sight(plan.patch_box(patch), c) for c in chunks)}


@pytest.mark.parametrize("sight", [SIGHTS[0], SIGHTS[2], SIGHTS[3]])
def test_chunks_in_sight_are_written_before_all_others(sight: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_seamless.engine.finish.WRITERS", 1)  # chunks are written as they are finished
    looking = Looking([sight], every=10**9)
    looking.control.look_at(sight)
    looking.run(Counting())
    plan = make_plan(SHAPE, 12, 0.5, chunk=8)
    seen = patches_of(plan, sight)
    # at the volume's end, chunks beside what is in sight may need no other patch
    first = {
        box for box in map(plan.chunk_box, np.ndindex(*plan.chunk_grid))
        if set(itertools.product(*plan.touching(box))) <= seen
    }  # fmt: skip
    assert all(box in first for box in looking.written if in_sight(box, sight))
    assert set(looking.written[: len(first)]) == first


def test_a_look_in_the_middle_of_a_run_is_answered_by_the_next_batches() -> None:
    sight, begun = Box((88, 80), (96, 90)), []
    network, control = Counting(), Control()

    def on_event(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 40:
            control.look_at(sight)
            begun.append(network.calls)

    result = segment(
        numbered(SHAPE), as_model(network, 2), patch_size=12, chunk_size=8, device="cpu", on_event=on_event,
        control=control,
    )  # fmt: skip
    seen = patches_of(result.plan, sight)
    corners = {int(np.ravel_multi_index(result.plan.patch_box(patch).start, SHAPE)) for patch in seen}
    assert not corners & set(network.corners[: begun[0] - AHEAD])
    assert corners <= set(network.corners[: begun[0] + AHEAD + len(seen)])
    assert len(network.corners) == len(set(network.corners)) == result.patches


def test_nothing_in_sight_is_the_raster_order() -> None:
    network, control = Counting(), Control()
    control.look_at(Box((90, 80), (96, 90)))
    control.look_at(None)
    segment(numbered(SHAPE), as_model(network, 2), patch_size=12, chunk_size=8, device="cpu", control=control)
    places = {corner: place for place, corner in enumerate(sorted(network.corners))}
    assert max(abs(places[corner] - turn) for turn, corner in enumerate(network.corners)) <= AHEAD


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_run_cancelled_while_somebody_looks_around_is_resumed_to_the_same_bytes(
    batch: int, lanes: int, tmp_path: Path
) -> None:
    whole = np.asarray(segment(image(SHAPE), Rounding(), batch_size=batch, **OPTIONS).array)
    torch.set_num_threads(lanes)
    output = tmp_path / "o"
    for when, sight in ((0.2, SIGHTS[0]), (0.6, SIGHTS[2]), (0.9, None)):
        control, network = Control(), Rounding()
        control.look_at(sight)

        def on_event(event: Event, control: Control = control, when: float = when) -> None:
            if isinstance(event, Progress) and event.done >= when * event.total:
                control.cancel()

        with pytest.raises(RunCancelledError):
            segment(
                image(SHAPE), network, output, resume=output.exists(), on_event=on_event, control=control,
                batch_size=batch, threads=1, **OPTIONS,
            )  # fmt: skip
    control, network = Control(), Rounding()
    control.look_at(SIGHTS[3])
    resumed = segment(
        image(SHAPE), network, output, resume=True, control=control, batch_size=batch, threads=1, **OPTIONS
    )
    assert np.asarray(resumed.array[...]).tobytes() == whole.tobytes()
    assert 0 < network.patches == resumed.evaluated < resumed.patches


@pytest.fixture(autouse=True)
def _no_thread_is_left(_one_thread: None) -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("seamless-")] == []


def test_a_region_and_a_look_beyond_it() -> None:
    volume, region = image(SHAPE), Box((20, 10), (70, 60))
    whole = np.asarray(segment(volume, Rounding(), **OPTIONS).array)[(slice(None), *region.slices)]
    for sight in (Box((0, 0), (30, 90)), Box((69, 59), (96, 90)), Box((71, 0), (96, 90))):
        control, written = Control(), []
        control.look_at(sight)
        result = segment(
            volume, Rounding(), region=region, control=control,
            on_event=lambda event, written=written: written.append(event.box) if isinstance(event, ChunkWritten) else 0,
            **OPTIONS,
        )  # fmt: skip
        assert np.asarray(result.array).tobytes() == whole.tobytes()
        place = sight.within(region.start)
        assert in_sight(written[0], place) or not any(in_sight(box, place) for box in written)
