"""A run over a region: the bytes of a run over everything, from the patches that touch it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from tests.engine.networks import Counting, as_model, image, local_network, numbered
from tests.strategies import BORDERS

from napari_seamless import segment
from napari_seamless.engine import Control, Event, Progress, Started
from napari_seamless.errors import GeometryError, RunCancelledError, SettingsError
from napari_seamless.plan import make_plan
from napari_seamless.types import BorderMode, Box, Window
from napari_seamless.volume import open_volume

SHAPE = (23, 20, 22)
OPTIONS: dict[str, Any] = {"patch_size": (9, 8, 7), "overlap": 0.5, "device": "cpu", "chunk_size": 8}
CORNER, MIDDLE, END = "0:9,:5,0:22", "7:16,11:17,3:21", "z=-3:,x=20:"
ARRAY = Window.from_array(np.random.default_rng(0).random((9, 8, 7)) + 0.1)


def box_of(region: str) -> Box:
    return {
        CORNER: Box((0, 0, 0), (9, 5, 22)), MIDDLE: Box((7, 11, 3), (16, 17, 21)), END: Box((20, 0, 20), (23, 20, 22))
    }[region]  # fmt: skip


@pytest.mark.parametrize(
    ("border", "window"),
    [*((border, "gaussian") for border in (*BORDERS, "pad")), ("squeeze", "constant"), ("adaptive", "hann"),
     ("crop", "triangle"), ("pad", ARRAY)],
)  # fmt: skip
def test_a_region_holds_what_a_run_over_everything_puts_there(border: BorderMode, window: Any, tmp_path: Path) -> None:
    volume, network = image(SHAPE), local_network()
    options = OPTIONS | {"border": border, "window": window, "batch_size": 3}
    for write in ("labels", "probabilities"):
        whole = np.asarray(segment(volume, network, write=write, **options).array)
        for number, region in enumerate((CORNER, MIDDLE, END)):
            output = tmp_path / f"{write}{number}" if number % 2 else None
            part = segment(volume, network, output, write=write, region=region, **options)
            expected = whole[(..., *box_of(region).slices)]
            assert part.array.shape == expected.shape
            assert part.array.dtype == expected.dtype
            assert np.asarray(part.array[...]).tobytes() == expected.tobytes()


@pytest.mark.parametrize("border", [*BORDERS, "pad"])
def test_the_patches_that_touch_the_region_are_evaluated_once_and_no_other(border: BorderMode) -> None:
    shape, box = (40, 33), Box((14, 0), (23, 12))
    plan = make_plan(shape, 9, 0.5, border=border, pad_sides="end")
    network = Counting()
    result = segment(
        numbered(shape), as_model(network, 2), patch_size=9, border=border, pad_sides="end", device="cpu", chunk_size=4,
        region=box,
    )  # fmt: skip
    touching = [patch for patch in map(plan.patch_box, np.ndindex(*plan.grid_shape)) if patch.intersect(box).size]
    assert sorted(network.corners) == [int(np.ravel_multi_index(patch.start, shape)) for patch in touching]
    assert result.evaluated == result.patches == len(touching)


@pytest.mark.parametrize("batch", [1, 4])
def test_progress_reaches_the_number_of_patches_and_never_passes_it(batch: int) -> None:
    events: list[Event] = []
    result = segment(
        numbered((40, 33)), as_model(Counting(), 2), patch_size=9, batch_size=batch, device="cpu",
        region="14:23,:12", chunk_size=4, on_event=events.append,
    )  # fmt: skip
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == result.patches
    assert {event.total for event in events if isinstance(event, Progress)} == {result.patches}


def test_the_output_lies_where_the_region_lies(tmp_path: Path) -> None:
    volume = open_volume(
        np.random.default_rng(0).random((30, 28), np.float32),
        axes="yx", spacing=(0.5, 2.0), translation=(10.0, -4.0), units=("micrometer", "micrometer"),
    )  # fmt: skip
    events: list[Event] = []
    for output in (None, tmp_path / "o"):
        result = segment(
            volume, local_network(2), output, patch_size=8, region=(slice(6, 20), slice(-9, None)), device="cpu",
            on_event=events.append,
        )  # fmt: skip
        for placed in (result.volume, next(event.volume for event in events if isinstance(event, Started))):
            assert placed.spatial_shape == (14, 9)
            assert placed.spacing == (0.5, 2.0)
            assert placed.translation == (10 + 6 * 0.5, -4 + 19 * 2.0)
            assert placed.units == volume.units
        events.clear()
    opened = open_volume(tmp_path / "o")
    assert (opened.translation, opened.spacing, opened.spatial_shape) == ((13.0, 34.0), (0.5, 2.0), (14, 9))


def test_the_network_s_patches_reach_beyond_the_region() -> None:
    """A run over the cut-out alone would know nothing of what lies around it."""
    volume, network = image((40, 40)), local_network(2)
    box = Box((13, 11), (27, 30))
    part = segment(volume, network, patch_size=12, region=box, write="probabilities", device="cpu")
    alone = segment(np.asarray(volume.data)[box.slices], network, patch_size=12, write="probabilities", device="cpu")
    assert np.abs(np.asarray(part.array) - np.asarray(alone.array)).max() > 1e-3


@pytest.mark.parametrize(
    ("region", "error", "says"),
    [
        ("0:9", GeometryError, r"'0:9' has 1 axes, but .* has 3 \(z, y, x\)"),
        (Box((0, 0), (4, 4)), GeometryError, "has 2 axes, but"),
        ("0:9,0:9,0:99", GeometryError, "reaches outside the volume along x: it is 0:99, and .* has 22 voxels there"),
        ("0:9,4:4,:", GeometryError, "is empty along y"),
        ("9:0,:,:", GeometryError, "is empty along z"),
        ("0:9,nine,:", SettingsError, "A region is written as intervals"),
        ("w=3:4", SettingsError, "names the axis 'w'"),
        ((slice(0, 9, 2), slice(None), slice(None)), SettingsError, "region"),
        (7, SettingsError, "region"),
    ],
)
def test_a_region_that_does_not_fit_is_refused_in_a_sentence(
    region: Any, error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says) as caught:
        segment(image(SHAPE), local_network(), tmp_path / "o", region=region, **OPTIONS)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_whole_volume_may_be_named_as_a_region() -> None:
    volume, network = image(SHAPE), local_network()
    whole = segment(volume, network, **OPTIONS)
    named = segment(volume, network, region=":,:,:", **OPTIONS)
    assert np.asarray(named.array).tobytes() == np.asarray(whole.array).tobytes()
    assert named.patches == whole.patches


@pytest.mark.parametrize("border", ["crop", "squeeze"])
def test_a_region_of_one_voxel_or_without_a_patch(border: BorderMode) -> None:
    volume = image((30, 31))
    options = {"patch_size": 8, "overlap": 0.0, "border": border, "write": "probabilities", "device": "cpu"}
    whole = np.asarray(segment(volume, local_network(2), **options).array)
    for region in ("29:30,30:31", "0:1,0:1", "24:30,3:9", "0:30,24:31"):
        part = segment(volume, local_network(2), region=region, **options)
        a, b = (slice(*map(int, axis.split(":"))) for axis in region.split(","))
        assert np.asarray(part.array).tobytes() == whole[:, a, b].tobytes()
        missed = (part.array[0] == 0).sum()
        assert bool(part.warnings) is bool(missed)
        assert not missed or f"left {missed} voxels" in part.warnings[0]


@pytest.mark.parametrize("batch", [1, 4])
def test_a_region_s_run_that_was_cancelled_is_resumed_to_the_same_bytes(batch: int, tmp_path: Path) -> None:
    volume, network = image((64, 40)), local_network(2)
    options = {"patch_size": 12, "chunk_size": 8, "batch_size": batch, "device": "cpu", "region": "10:61,5:37"}
    reference = np.asarray(segment(volume, network, **options).array)
    for when in (0.3, 0.6, 0.9):
        control, output = Control(), tmp_path / "o"

        def cancel(event: Event, control: Control = control, when: float = when) -> None:
            if isinstance(event, Progress) and event.done >= when * event.total:
                control.cancel()

        with pytest.raises(RunCancelledError):
            segment(volume, network, output, control=control, on_event=cancel, resume=output.exists(), **options)
    events: list[Event] = []
    resumed = segment(volume, network, output, resume=True, on_event=events.append, **options)
    assert np.asarray(resumed.array[...]).tobytes() == reference.tobytes()
    assert 0 < resumed.evaluated < resumed.patches
    assert all(event.done <= event.total for event in events if isinstance(event, Progress))


def test_a_run_over_another_region_is_no_resumption(tmp_path: Path) -> None:
    options = {"patch_size": 12, "chunk_size": 8, "device": "cpu"}
    segment(image((40, 40)), local_network(2), tmp_path / "o", region="0:20,0:20", **options)
    before = zarr.open_group(tmp_path / "o", mode="r")["0"][...]
    with pytest.raises(SettingsError, match="cannot be resumed because region changed"):
        segment(image((40, 40)), local_network(2), tmp_path / "o", region="0:20,8:28", resume=True, **options)
    np.testing.assert_array_equal(zarr.open_group(tmp_path / "o", mode="r")["0"][...], before)


def test_a_finished_run_that_is_resumed_counts_as_done(tmp_path: Path) -> None:
    options = {"patch_size": 12, "chunk_size": 8, "device": "cpu", "region": "0:20,8:20", "batch_size": 3}
    done = segment(image((40, 40)), local_network(2), tmp_path / "o", **options)
    events: list[Event] = []
    again = segment(image((40, 40)), local_network(2), tmp_path / "o", resume=True, on_event=events.append, **options)
    assert {event.done for event in events if isinstance(event, Progress)} == {done.patches}
    assert np.asarray(again.array[...]).tobytes() == np.asarray(done.array[...]).tobytes()


@pytest.mark.slow
def test_two_processes_give_a_region_s_bytes(tmp_path: Path) -> None:
    volume, network = image((48, 33, 30)), local_network()
    options = {"patch_size": 16, "chunk_size": 8, "device": "cpu", "write": "probabilities", "region": "5:41,8:30,:"}
    one = segment(volume, network, batch_size=2, **options)
    events: list[Event] = []
    many = segment(volume, network, tmp_path / "o", workers=2, batch_size=2, on_event=events.append, **options)
    assert np.asarray(many.array[...]).tobytes() == np.asarray(one.array).tobytes()
    assert all(event.done <= event.total == one.patches for event in events if isinstance(event, Progress))
