"""Cancelled or killed at any instant, a run resumes to the same bytes."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import zarr
from tests.engine import killed_run
from tests.engine.networks import Counting, as_model, image, numbered

from napari_seamless import prepare, segment
from napari_seamless.engine import Control, Event, Progress
from napari_seamless.errors import RunCancelledError, SettingsError
from napari_seamless.recipe import make_settings
from napari_seamless.sinks import METADATA_KEY
from napari_seamless.volume import open_volume

SMALL = {"patch_size": 8, "overlap": 0.5, "device": "cpu", "chunk_size": 8}


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every pyramid level."""
    group = zarr.open_group(folder, mode="r")
    return {name: np.asarray(array[...]).tobytes() for name, array in group.arrays()}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Save a random image that a killed process can open."""
    np.save(tmp_path / "image.npy", np.random.default_rng(0).random((150, 90), np.float32))
    return tmp_path / "image.npy"


def lines_of(journal: Path) -> int:
    return len(journal.read_bytes().splitlines()) if journal.exists() else 0


def kill_in_mid_run(picture: Path, output: Path, delay: float, *, resume: bool) -> bool:
    """Start a run, kill it some time after it finished four rows of chunks, and tell whether it was killed."""
    command = [sys.executable, killed_run.__file__, picture, output, *(["resume"] if resume else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        journal, deadline = output / "0" / "seamless-journal.jsonl", time.monotonic() + 60
        enough = lines_of(journal) + 48
        while process.poll() is None and time.monotonic() < deadline:
            if lines_of(journal) > enough:
                break
            time.sleep(0.002)
        time.sleep(delay)
        killed = process.poll() is None
        process.kill()
        return killed
    finally:
        process.kill()
        process.communicate()


@pytest.mark.timeout(600)  # three interpreters that load torch, where others use the cores too
def test_a_run_that_is_killed_resumes_to_the_same_bytes(picture: Path, tmp_path: Path) -> None:
    settings, volume = make_settings(**killed_run.SETTINGS), open_volume(picture)
    whole = prepare(volume, killed_run.model(0), settings, tmp_path / "whole").run()
    rng = random.Random(5)
    output = tmp_path / "killed"
    kills = [kill_in_mid_run(picture, output, rng.uniform(0, 0.25), resume=turn > 0) for turn in range(2)]
    assert kills[0]
    resumed = prepare(volume, killed_run.model(0), settings, output, resume=True).run()
    assert bytes_of(output) == bytes_of(tmp_path / "whole")
    assert resumed.evaluated < whole.evaluated
    assert zarr.open_group(output, mode="r").attrs[METADATA_KEY]["complete"] is True


def test_a_torn_journal_loses_one_chunk_at_most(tmp_path: Path) -> None:
    volume, model = image((40, 36)), as_model(lambda x: x.sin(), 2)
    segment(volume, model, tmp_path / "whole", **SMALL)
    cancel_at(20, volume, model, tmp_path / "o")
    journal = tmp_path / "o" / "0" / "seamless-journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 3
    journal.write_bytes(b"".join(lines)[:-4])
    resumed = segment(volume, model, tmp_path / "o", resume=True, **SMALL)
    assert bytes_of(tmp_path / "o") == bytes_of(tmp_path / "whole")
    assert 0 < resumed.evaluated < resumed.patches


def cancel_at(patch: int, volume: object, model: object, output: Path, **options: object) -> None:
    control = Control()

    def on_event(event: Event) -> None:
        if isinstance(event, Progress) and event.done >= patch:
            control.cancel()

    with pytest.raises(RunCancelledError):
        segment(volume, model, output, control=control, on_event=on_event, **(SMALL | options))  # type: ignore[arg-type]


def test_a_run_that_is_cancelled_twice_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    volume, model = image((40, 36)), as_model(lambda x: x.sin(), 2)
    options = {"write": "probabilities", "batch_size": 3}
    segment(volume, model, tmp_path / "whole", **SMALL, **options)  # type: ignore[arg-type]
    cancel_at(20, volume, model, tmp_path / "o", **options)
    cancel_at(45, volume, model, tmp_path / "o", resume=True, **options)
    segment(volume, model, tmp_path / "o", resume=True, **SMALL, **options)  # type: ignore[arg-type]
    assert bytes_of(tmp_path / "o") == bytes_of(tmp_path / "whole")


def test_resuming_a_complete_run_evaluates_one_batch_and_still_counts_up(tmp_path: Path) -> None:
    volume, network, events = numbered((24, 24)), Counting(), list[Event]()
    segment(volume, as_model(network, 2), tmp_path / "o", **SMALL)
    before, network.calls = bytes_of(tmp_path / "o"), 0
    segment(volume, as_model(network, 2), tmp_path / "o", resume=True, on_event=events.append, **SMALL)
    assert network.calls == 1
    assert bytes_of(tmp_path / "o") == before
    assert [event.done for event in events if isinstance(event, Progress)][-1] == 25


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"overlap": 0.25}, r"because step changed from \[4, 4\] to \[6, 6\]"),
        ({"border": "edge"}, "because border changed from 'squeeze' to 'edge'"),
        ({"chunk_size": 12}, "because chunk_size changed"),
        ({"write": "probabilities"}, "because write changed from 'labels' to 'probabilities'"),
        ({"volume": numbered((24, 25))}, "because .* changed"),
        ({"volume": image((24, 24))}, "because input changed"),
    ],
)
def test_a_changed_run_is_refused_by_name_and_nothing_is_changed(
    change: dict[str, object], says: str, tmp_path: Path
) -> None:
    segment(numbered((24, 24)), as_model(Counting(), 2), tmp_path / "o", **SMALL)
    before = bytes_of(tmp_path / "o")
    options: dict[str, object] = {"volume": numbered((24, 24)), **SMALL, **change}
    with pytest.raises(SettingsError, match=says):
        segment(model=as_model(Counting(), 2), output=tmp_path / "o", resume=True, **options)  # type: ignore[arg-type]
    assert bytes_of(tmp_path / "o") == before


def test_resuming_what_never_ran_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no journal of a run to resume"):
        segment(numbered((24, 24)), as_model(Counting(), 2), tmp_path / "o", resume=True, **SMALL)
    assert not list(tmp_path.iterdir())
