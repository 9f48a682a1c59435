"""How a run lives and ends: events, cancel, pause, errors, threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import torch
import zarr
from tests.engine.networks import Counting, as_model, image, numbered

from napari_seamless import prepare, segment
from napari_seamless.engine import ChunkWritten, Control, Event, Finished, Progress, Started, Warned
from napari_seamless.errors import AxesError, ModelError, RunCancelledError, SettingsError, StorageError, VolumeError
from napari_seamless.recipe import make_settings
from napari_seamless.sinks import METADATA_KEY, MemorySink, OmeZarrSink
from napari_seamless.types import Volume

SMALL = {"patch_size": 8, "overlap": 0.5, "device": "cpu", "chunk_size": 8}


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("seamless-")] == []


def scratch_folders(folder: Path) -> list[Path]:
    return list(folder.glob(".*-scratch-*"))


def test_events_come_in_order_and_count_up() -> None:
    events: list[Event] = []
    shape = (24, 24)
    result = segment(numbered(shape), as_model(Counting(), 2), on_event=events.append, **SMALL)
    assert isinstance(events[0], Started)
    assert events[0].volume is result.volume
    assert isinstance(events[-1], Finished)
    assert events[-1].result is result
    progress = [event for event in events if isinstance(event, Progress)]
    done = [event.done for event in progress]
    assert done == sorted(done)
    assert sorted(set(done)) == list(range(1, result.patches + 1))  # the end may be told twice
    assert {event.total for event in progress} == {result.patches}
    written = np.zeros(shape, int)
    for event in events:
        if isinstance(event, ChunkWritten):
            written[event.box.slices] += 1
    assert np.all(written == 1)


def test_a_chunk_can_be_read_when_its_event_comes(tmp_path: Path) -> None:
    ones = as_model(torch.ones_like, 2)
    seen = []

    def on_event(event: Event) -> None:
        if isinstance(event, ChunkWritten):
            seen.append(zarr.open_group(tmp_path / "o", mode="r")["0"][event.box.slices].min())

    segment(image((24, 24)), ones, tmp_path / "o", on_event=on_event, **SMALL)
    assert seen == [1] * 9


def test_warnings_are_told_before_the_end() -> None:
    events: list[Event] = []
    segment(numbered((21, 24)), as_model(Counting(), 2), border="crop", on_event=events.append, **SMALL)
    assert [type(event) for event in events[-2:]] == [Warned, Finished]


@pytest.mark.parametrize("after", [1, 5])
def test_cancel_stops_within_one_batch_and_keeps_what_is_finished(after: int, tmp_path: Path) -> None:
    control, network = Control(), Counting()
    kept, calls = [], []

    def on_event(event: Event) -> None:
        kept.extend([event.box] if isinstance(event, ChunkWritten) else [])
        if isinstance(event, Progress) and event.done == after:
            control.cancel()
            calls.append(network.calls)

    with pytest.raises(RunCancelledError, match="chunks that were finished are kept"):
        segment(numbered((24, 24)), as_model(network, 2), tmp_path / "o", control=control, on_event=on_event, **SMALL)
    assert network.calls <= calls[0] + 1 < 25
    group = zarr.open_group(tmp_path / "o", mode="r")
    assert group.attrs[METADATA_KEY]["complete"] is False
    assert all(np.any(group["0"][box.slices] >= 0) for box in kept)


def test_cancel_from_another_thread_while_the_network_works() -> None:
    control, network = Control(), Counting(seconds=0.05)
    canceller = threading.Thread(target=lambda: (network.called.wait(), control.cancel()))
    canceller.start()
    with pytest.raises(RunCancelledError):
        segment(numbered((64, 64)), as_model(network, 2), control=control, **SMALL)
    canceller.join()
    assert network.calls <= 2


def test_a_run_that_is_cancelled_before_it_starts_leaves_nothing(tmp_path: Path) -> None:
    control, network = Control(), Counting()
    control.cancel()
    with pytest.raises(RunCancelledError):
        segment(numbered((16, 16)), as_model(network, 2), tmp_path / "o", control=control, **SMALL)
    assert network.calls == 0
    assert not list(tmp_path.iterdir())


def test_pause_holds_the_network_until_resume() -> None:
    control, network = Control(), Counting()
    results: list[object] = []
    calls: list[int] = []
    paused = threading.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 2:
            control.pause()
            calls.append(network.calls)
            paused.set()

    thread = threading.Thread(
        target=lambda: results.append(
            segment(numbered((24, 24)), as_model(network, 2), control=control, on_event=on_event, **SMALL)
        )
    )
    thread.start()
    assert paused.wait(60)
    time.sleep(0.3)
    while_paused = network.calls
    control.resume()
    thread.join(60)
    assert while_paused <= calls[0] + 1 < 25
    assert results
    assert network.calls == 25


def test_a_paused_run_can_be_cancelled_and_is_not_paused_again() -> None:
    control = Control()
    control.pause()
    control.cancel()
    control.pause()
    assert control.cancelled
    assert not control.paused
    with pytest.raises(RunCancelledError):
        control.checkpoint()


def failing(what: object) -> object:
    def network(x: torch.Tensor) -> torch.Tensor:
        if isinstance(what, Exception):
            raise what
        return what(x)  # type: ignore[operator]

    return network


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (failing(lambda x: x * torch.nan), r"returned NaN or infinity for the patch from \(0, 0\) to \(8, 8\)"),
        (failing(lambda x: x / 0), "returned NaN or infinity"),
        (failing(lambda x: x[..., :4]), r"returned shape \(1, 1, 8, 4\).*\(1, class, 8, 8\) was expected"),
        (failing(lambda x: x[0]), r"returned shape \(1, 8, 8\)"),
        (failing(lambda x: [x]), "returned list where a tensor"),
        (failing(RuntimeError("wrong\nsizes do not match.")), "cannot take a batch .*: sizes do not match; check"),
        (failing(AssertionError()), "cannot take a batch .*: AssertionError; check"),
        (failing(KeyError("head")), "cannot take a batch .*: 'head'; check"),
        (torch.nn.Conv2d(1, 2, 9), r"returned shape|cannot take"),
    ],
)
@pytest.mark.parametrize("existing", [False, True])
def test_a_network_that_does_not_fit_leaves_no_output(
    network: object, says: str, existing: bool, tmp_path: Path
) -> None:
    output = tmp_path / "o"
    if existing:
        zarr.create_group(output).attrs["kept"] = True
    with pytest.raises(ModelError, match=says):
        segment(image((24, 24)), as_model(network, 2), output, overwrite=True, **SMALL)  # type: ignore[arg-type]
    assert output.exists() is existing
    assert not existing or zarr.open_group(output, mode="r").attrs["kept"]
    assert not scratch_folders(tmp_path)


def test_finite_outputs_whose_sum_is_infinite_are_taken() -> None:
    model = as_model(lambda x: torch.cat([torch.full_like(x, 3e38), torch.full_like(x, -3e38)], 1), 2)
    result = segment(image((16, 16)), model, window="constant", patch_size=8, overlap=0, device="cpu")
    assert not np.asarray(result.array).any()


TIGHT = {"memory_budget": "1MiB", "patch_size": 16, "batch_size": 999}
TIMES = image((3, 16, 16), axes="tyx")


@pytest.mark.parametrize(
    ("spec", "volume", "options", "refusal"),
    [
        ({"in_channels": 2}, image((16, 16)), {}, (ModelError, "takes 2 channels, but .* offers 1")),
        ({"classes": ("a", "b", "c")}, image((16, 16)), {}, (ModelError, "names 3 classes but returned 2 channels")),
        ({}, image((16, 16, 16)), {}, (ModelError, "works on 2 spatial axes, but .* has 3")),
        ({}, image((16, 16)), {"channel": 1}, (SettingsError, "channel is 1, but .* has channels 0 to 0")),
        ({}, TIMES, {}, (AxesError, "3 positions along t")),
        (
            {},
            image((16, 16)),
            TIGHT,
            (SettingsError, "memory_budget is 1 MiB, but 3 batches of 999 patches .* need [0-9]+ MiB"),
        ),
        ({}, image((16, 16)), {"device": "cuda:99"}, (SettingsError, "device cuda:99 is not present")),
        ({}, image((16, 16)), {"device": "abacus"}, (SettingsError, "device must be auto")),
        ({}, image((16, 16)), {"border": "mirror"}, (SettingsError, "^border: ")),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence_and_leaves_nothing(
    spec: dict, volume: Volume, options: dict, refusal: tuple[type[Exception], str], tmp_path: Path
) -> None:
    model = as_model(lambda x: torch.cat([x, x], 1), 2, **spec)
    with pytest.raises(refusal[0], match=refusal[1]):
        segment(volume, model, tmp_path / "o", **(SMALL | options))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("output", ["image.zarr", "image.zarr/0", "."])
def test_the_input_is_never_overwritten(output: str, tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "image.zarr")
    group.create_array("0", data=np.ones((16, 16), np.uint8))
    target, model = tmp_path / output, as_model(Counting(), 2)
    with pytest.raises(SettingsError, match="output must not be the input or a folder above it"):
        segment(tmp_path / "image.zarr" / "0", model, target, resume=output == ".", overwrite=True, **SMALL)
    assert np.all(zarr.open_group(tmp_path / "image.zarr", mode="r")["0"][:] == 1)


def break_write(monkeypatch: pytest.MonkeyPatch, cls: type, at: int) -> None:
    """Let the `at`-th chunk fail as a full disk would."""
    original, count = cls.write, iter(range(10**6))

    def write(self: object, *arguments: object) -> object:
        if next(count) >= at:
            raise StorageError("The output cannot be written (no space left); free disk space.")
        return original(self, *arguments)

    monkeypatch.setattr(cls, "write", write)


def test_a_chunk_that_cannot_be_written_stops_the_run_which_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, output = numbered((64, 64)), tmp_path / "o"
    network = Counting(seconds=0.002)
    with monkeypatch.context() as patch:
        break_write(patch, OmeZarrSink, at=3)
        with pytest.raises(StorageError, match="no space left"):
            segment(volume, as_model(network, 2), output, **SMALL)
    assert network.calls < 225
    assert not scratch_folders(tmp_path)
    resumed = segment(volume, as_model(Counting(), 2), output, resume=True, **SMALL)
    whole = segment(volume, as_model(Counting(), 2), **SMALL)
    np.testing.assert_array_equal(np.asarray(resumed.array[...]), np.asarray(whole.array))
    assert resumed.evaluated < resumed.patches


def test_the_last_chunk_failing_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    break_write(monkeypatch, MemorySink, at=8)
    with pytest.raises(StorageError):
        segment(numbered((24, 24)), as_model(Counting(), 2), **SMALL)


@pytest.mark.parametrize("where", [Started, Progress, ChunkWritten])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_in_the_listener_ends_the_run(where: type, error: type[BaseException]) -> None:
    def on_event(event: Event) -> None:
        if isinstance(event, where):
            raise error("from outside")

    with pytest.raises(error, match="from outside"):
        segment(numbered((24, 24)), as_model(Counting(), 2), on_event=on_event, **SMALL)


def test_a_damaged_input_is_named(tmp_path: Path) -> None:
    def block(block_info: dict) -> np.ndarray:
        if block_info[None]["chunk-location"] == (1, 1):
            raise RuntimeError("bad bytes")
        return np.zeros((8, 8), np.float32)

    array = da.map_blocks(block, chunks=((8,) * 4, (8,) * 4), dtype=np.float32)
    with pytest.raises(VolumeError, match="bad bytes"):
        segment(array, as_model(Counting(), 2), tmp_path / "o", **SMALL)
    corner = da.map_blocks(lambda **_: 1 / 0, chunks=((8,), (8,)), dtype=np.float32, meta=np.zeros((), np.float32))
    with pytest.raises(VolumeError, match="cannot be read"):
        segment(corner, as_model(Counting(), 2), **SMALL)


def test_estimate_and_measure_are_plausible() -> None:
    network = Counting(lambda x: torch.cat([x, x, x], 1), seconds=0.02)
    settings = make_settings(**SMALL, write="probabilities", memory_budget="8MiB")
    job = prepare(numbered((40, 40)), as_model(network, 2, out_channels=3), settings)
    estimate = job.estimate()
    assert estimate.patches == job.plan.n_patches == 81
    assert estimate.output_bytes == 3 * 40 * 40 * 4
    assert estimate.memory_bytes <= 8 * 2**20 + estimate.output_bytes
    assert estimate.evaluations_per_voxel == pytest.approx(81 * 64 / 1600)
    assert network.calls == 0
    assert 0.02 <= job.measure() < 2
    assert network.calls == 2


def test_sums_in_memory_stay_within_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_seamless.blend import ChunkAccumulators

    held, add = [0], ChunkAccumulators.add

    def tracked(self: ChunkAccumulators, *arguments: object) -> Iterator[object]:
        yield from add(self, *arguments)
        held.append(self.held_bytes)

    monkeypatch.setattr(ChunkAccumulators, "add", tracked)
    settings = make_settings(patch_size=32, overlap=0.5, chunk_size=16, device="cpu")
    job = prepare(image((64, 2000, 20)), as_model(lambda x: torch.cat([x, x], 1), 3),
                  settings.model_copy(update={"patch_size": (32, 32, 20)}))  # fmt: skip
    free = job.estimate().memory_bytes
    job.run()
    assert 0 < max(held) <= free
    small = prepare(job.volume, job.model, job.settings.model_copy(update={"memory_budget": 6 * 2**20}))
    most = max(held)
    held.clear()
    small.run()
    assert 0 < max(held) <= 3 * 2**20 < most


def test_the_metadata_tell_how_to_repeat_the_run(tmp_path: Path) -> None:
    network = torch.nn.Conv2d(1, 2, 1)
    result = segment(image((16, 16)), network, tmp_path / "o", border="edge", **SMALL)
    record = zarr.open_group(tmp_path / "o", mode="r").attrs[METADATA_KEY]
    assert record["complete"] is True
    assert record["settings"]["border"] == "edge"
    assert record["settings"]["patch_size"] == 8
    from napari_seamless import load_model

    assert record["run"]["model"]["sha256"] == load_model(network).spec.sha256
    assert record["run"]["step"] == [4, 4]
    assert {"napari-seamless", "torch"} <= record["versions"].keys()
    assert make_settings(**record["settings"]).patch_size == 8
    assert set(result.timings) == {"read", "forward", "blend", "write", "wait", "total"}
    assert all(seconds >= 0 for seconds in result.timings.values())
    assert result.path == str(tmp_path / "o")
