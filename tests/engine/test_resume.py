"""Cancelled or killed at any instant, a run resumes to the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr
from tests.engine.networks import Counting, as_model, image, numbered

from napari_seamless import segment
from napari_seamless.engine import Control, Event, Progress
from napari_seamless.errors import RunCancelledError, SettingsError

ROOT = Path(__file__).parents[2]
SMALL = {"patch_size": 8, "overlap": 0.5, "device": "cpu", "chunk_size": 8}


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every pyramid level."""
    group = zarr.open_group(folder, mode="r")
    return {name: np.asarray(array[...]).tobytes() for name, array in group.arrays()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the runs are forked, so that a kill costs no import")
@pytest.mark.timeout(400)  # where others use the cores too
def test_killed_at_random_instants_and_resumed_every_file_is_the_same() -> None:
    """A few of the kills of `make crash`; the folder's own process, since one with threads must not fork."""
    command = [sys.executable, "-m", "tests.fuzz.crash", "--kills", "8", "--seed", "5", "--only", "spilled", "sharded"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=360, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["kills"] == 8
    assert figures["differences"] == figures["scratch folders left"] == 0
    assert figures.get("with chunks stored", 0) + figures.get("with sums spilled", 0) > 0


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
