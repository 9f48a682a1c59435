"""What must hold for every run, whatever its geometry."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter
from tests.engine.networks import Counting
from tests.fuzz.cases import Case, cases, chunks, trusted
from tests.strategies import BORDERS, boxes

from napari_seamless.engine import Control, Event, Progress
from napari_seamless.errors import RunCancelledError


class TrustedMean:
    """A box filter of zero-padded patches, zero where it saw the padding, and a channel that says where it did not."""

    def __init__(self, radius: int) -> None:
        self.radius = radius

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        mean, inside = batch, torch.ones_like(batch)
        for axis in range(2, batch.ndim):
            mean = self._along(axis, mean)
            n = batch.shape[axis]
            for side in (slice(0, self.radius), slice(max(0, n - self.radius), n)):
                inside[(slice(None),) * axis + (side,)] = 0
        return torch.cat([mean * inside, inside], 1)

    def _along(self, axis: int, x: torch.Tensor) -> torch.Tensor:
        padding = torch.zeros_like(x.narrow(axis, 0, 1)).repeat_interleave(self.radius, axis)
        padded = torch.cat([padding, x, padding], axis)
        width = 2 * self.radius + 1
        return sum(padded.narrow(axis, i, x.shape[axis]) for i in range(width)) / width


def rounding(classes: int) -> Counting:
    """Return a network whose sums round, so that another order of summation shows in the bytes."""
    gains = torch.linspace(1, 3, classes)
    return Counting(lambda x: (x * gains.reshape(1, -1, *(1,) * (x.ndim - 2))).sin() / 3)


class Module(torch.nn.Module):
    """The same network for several lanes at once."""

    def __init__(self, network: Counting) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.network(batch)


@contextmanager
def torch_threads(n: int) -> Iterator[None]:
    """Let torch use this many threads: on a CPU, as many forward passes run side by side."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@given(cases(), st.integers(0, 2), st.data())
def test_where_a_patch_covers_the_halo_tiled_equals_whole(case: Case, radius: int, data: st.DataObject) -> None:
    result = case.run(TrustedMean(radius), chunk_size=data.draw(chunks(case.shape)))
    blended, padding = np.asarray(result.array), result.plan.pad_width
    whole = uniform_filter(np.pad(case.voxels.astype(float), padding), 2 * radius + 1, mode="constant")
    mask = trusted(result.plan, radius)
    inside = tuple(slice(a, n - b) for n, (a, b) in zip(mask.shape, padding, strict=True))
    mask, whole = mask[inside], whole[inside]
    np.testing.assert_array_equal(blended[1] > 0, mask)
    np.testing.assert_allclose(blended[0][mask] / blended[1][mask], whole[mask], rtol=0, atol=1e-4)


@given(cases(), st.sampled_from([1, 2, 3, 40]), st.integers(1, 4), st.data())
def test_bytes_depend_on_neither_chunks_nor_budget_nor_lanes(
    case: Case, classes: int, lanes: int, data: st.DataObject
) -> None:
    reference = np.asarray(case.run(rounding(classes)).array)
    with torch_threads(lanes):
        # a function would be called by one lane alone
        cut = case.run_tight(Module(rounding(classes)), chunk_size=data.draw(chunks(case.shape)), threads=1)
    assert np.asarray(cut.array).tobytes() == reference.tobytes()


@given(cases(), st.integers(1, 3), st.data())
def test_bytes_on_disk_are_those_in_memory_sharded_or_not(case: Case, shard: int, data: st.DataObject) -> None:
    reference = np.asarray(case.run(rounding(2)).array)
    chunk = data.draw(chunks(case.shape))
    shards = {"shard_size": tuple(shard * c for c in chunk)} if shard > 1 else {}
    with tempfile.TemporaryDirectory() as folder:
        stored = case.run_tight(rounding(2), Path(folder) / "o", chunk_size=chunk, **shards)
        assert np.asarray(stored.array[...]).tobytes() == reference.tobytes()
        assert [path.name for path in Path(folder).iterdir()] == ["o"]


@given(cases(), st.data())
def test_what_is_looked_at_comes_first_and_changes_no_byte(case: Case, data: st.DataObject) -> None:
    reference, chunk = np.asarray(case.run(rounding(2)).array), data.draw(chunks(case.shape))
    sights, control = data.draw(st.lists(st.none() | boxes(case.shape), min_size=1, max_size=5)), Control()
    control.look_at(sights[0])

    def on_event(event: Event) -> None:
        if isinstance(event, Progress):
            control.look_at(sights[event.done % len(sights)])

    network = rounding(2)
    with torch_threads(data.draw(st.integers(1, 4))):
        seen = case.run(Module(network), chunk_size=chunk, on_event=on_event, control=control, threads=1)
    assert np.asarray(seen.array).tobytes() == reference.tobytes()
    assert len(network.corners) == seen.patches


@given(cases(), st.data())
def test_a_region_holds_the_bytes_of_a_run_over_everything(case: Case, data: st.DataObject) -> None:
    reference, box = np.asarray(case.run(rounding(2)).array), data.draw(boxes(case.shape))
    region = ",".join(f"{a}:{b}" for a, b in zip(box.start, box.stop, strict=True))
    part = np.asarray(case.run(rounding(2), region=region, chunk_size=data.draw(chunks(box.shape))).array)
    assert part.tobytes() == reference[(slice(None), *box.slices)].tobytes()


@given(cases(), st.integers(1, 7))
def test_the_batch_size_changes_no_more_than_the_networks_rounding(case: Case, batch: int) -> None:
    reference, other = case.run(rounding(2)), case.run(rounding(2), batch_size=batch)
    np.testing.assert_allclose(np.asarray(other.array), np.asarray(reference.array), rtol=0, atol=1e-6)


@given(cases(borders=BORDERS), st.data())
def test_every_patch_is_evaluated_once_and_its_chunks_are_told_once(case: Case, data: st.DataObject) -> None:
    network, numbers = Counting(), np.arange(np.prod(case.shape), dtype=np.float32).reshape(case.shape)
    boxes: list[tuple[int, ...]] = []

    def on_event(event: Event) -> None:
        if type(event).__name__ == "ChunkWritten":
            boxes.append(event.box.start)

    result = case.run(network, numbers, chunk_size=data.draw(chunks(case.shape)), on_event=on_event)
    plan = result.plan
    starts = [plan.patch_box(index).start for index in np.ndindex(*plan.grid_shape)]
    assert sorted(network.corners) == sorted(int(np.ravel_multi_index(start, case.shape)) for start in starts)
    assert result.evaluated == result.patches == len(starts)
    assert sorted(boxes) == [plan.chunk_box(index).start for index in np.ndindex(*plan.chunk_grid)]


@given(cases())
def test_labels_are_the_largest_of_the_probabilities(case: Case) -> None:
    means, labels = np.asarray(case.run(rounding(3)).array), np.asarray(case.run(rounding(3), write="labels").array)
    best = np.sort(means, axis=0)
    clear = best[-1] - best[-2] > 1e-5
    np.testing.assert_array_equal(labels[clear], means.argmax(0)[clear])


@given(cases(), st.lists(st.floats(0, 1), min_size=1, max_size=3), st.data())
def test_cancelled_anywhere_a_run_resumes_to_the_same_bytes(
    case: Case, parts: list[float], data: st.DataObject
) -> None:
    chunk = data.draw(chunks(case.shape))
    reference = np.asarray(case.run(rounding(2)).array)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "o"
        for part in parts:
            cancel_at(part, case, output, chunk)
        begun = (output / "0").exists()
        resumed = case.run(rounding(2), output=output, chunk_size=chunk, resume=begun)
        assert np.asarray(resumed.array[...]).tobytes() == reference.tobytes()


def cancel_at(part: float, case: Case, output: Path, chunk: tuple[int, ...]) -> None:
    """Run until this part of the patches is done, and cancel; a run that is done by then is left as it is."""
    control = Control()

    def on_event(event: Event) -> None:
        if isinstance(event, Progress) and event.done >= part * event.total:
            control.cancel()

    begun = (output / "0").exists()
    try:
        case.run(rounding(2), output=output, chunk_size=chunk, resume=begun, control=control, on_event=on_event)
    except RunCancelledError:
        return
