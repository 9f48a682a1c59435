"""Shards: written once and whole, equal to what Zarr makes of the same voxels, safe against kills."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr
from tests.contracts.sink_contract import FLAT, LABELS, PROBABILITIES, chunk_plan, fill, voxels_of

from napari_seamless.blend import remove_stale
from napari_seamless.errors import StorageError
from napari_seamless.sinks import OmeZarrSink, OutputSpec, finished_chunks
from napari_seamless.sinks.whole_file import WholeFiles

# 3 x 5 x 1 chunks of (8, 16, 33); the last shards are cut along z and y, and no shard is longer than the grid
SHARDED = replace(LABELS, shard=(16, 32, 33))
SPECS = {
    "labels": SHARDED,
    "probabilities": replace(PROBABILITIES, shard=(8, 64, 33)),
    "half": replace(PROBABILITIES, shard=(16, 16, 33), dtype=np.dtype(np.float16)),
    "flat": replace(FLAT, shard=(96, 64)),
    "one shard": replace(LABELS, shard=(800, 1600, 33)),
}
JOURNAL = Path("0") / "seamless-journal.jsonl"


def shard_files(path: Path) -> list[Path]:
    return sorted(file for level in path.iterdir() if level.is_dir() for file in (level / "c").rglob("*"))


def rounded(voxels: np.ndarray, spec: OutputSpec) -> np.ndarray:
    return voxels.astype(spec.dtype)


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize(("reverse", "threads"), [(False, 1), (True, 1), (False, 4)])
@pytest.mark.parametrize("waiting", [0, 500, 2**20], ids=["all on disk", "some in memory", "all in memory"])
def test_levels_are_those_without_shards(kind: str, reverse: bool, threads: int, waiting: int, tmp_path: Path) -> None:
    spec = replace(SPECS[kind], waiting_bytes=waiting)
    sharded, plain = OmeZarrSink(tmp_path / "s", spec, {}), OmeZarrSink(tmp_path / "p", replace(spec, shard=None), {})
    voxels = fill(sharded, spec, reverse=reverse, threads=threads)
    fill(plain, spec)
    sharded.finish()
    np.testing.assert_array_equal(np.asarray(sharded.volume.data[...]), rounded(voxels, spec))
    for ours, theirs in zip(sharded.volume.levels, plain.volume.levels, strict=True):
        np.testing.assert_array_equal(ours.data[...], theirs.data[...])
        assert ours.data.chunks == theirs.data.chunks
        assert all(s % c == 0 for s, c in zip(ours.data.shards, ours.data.chunks, strict=True))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_zarr_reads_each_shard_as_if_it_had_written_it(tmp_path: Path) -> None:
    sink = OmeZarrSink(tmp_path / "ours", SHARDED, {})
    voxels = fill(sink, SHARDED, reverse=True)
    sink.finish()
    ours = sink.volume.data
    theirs = zarr.create_array(
        tmp_path / "theirs", shape=ours.shape, chunks=ours.chunks, shards=ours.shards, dtype=ours.dtype,
        config={"write_empty_chunks": True},
    )  # fmt: skip
    theirs[...] = voxels
    assert ours.metadata.codecs == theirs.metadata.codecs
    files = [file for file in (tmp_path / "theirs" / "c").rglob("*") if file.is_file()]
    assert len(files) == 6
    for file in files:
        other = tmp_path / "ours" / "0" / file.relative_to(tmp_path / "theirs")
        # the chunks may lie in another order, and Zarr fills the last shards up
        assert other.stat().st_size <= file.stat().st_size


@pytest.mark.parametrize("spec", [LABELS, PROBABILITIES], ids=["labels", "probabilities"])
def test_a_chunk_without_a_shard_has_the_bytes_that_zarr_gives_it(spec: OutputSpec, tmp_path: Path) -> None:
    sink = OmeZarrSink(tmp_path / "ours", spec, {})
    voxels = fill(sink, spec)
    array = sink.volume.data
    theirs = zarr.create_array(
        tmp_path / "theirs", shape=array.shape, chunks=array.chunks, dtype=array.dtype, fill_value=0,
        config={"write_empty_chunks": True},
    )  # fmt: skip
    theirs[...] = voxels
    assert array.metadata.codecs == theirs.metadata.codecs
    files = [file for file in (tmp_path / "theirs" / "c").rglob("*") if file.is_file()]
    assert len(files) == 15
    for file in files:
        assert (tmp_path / "ours" / "0" / file.relative_to(tmp_path / "theirs")).read_bytes() == file.read_bytes()


def test_each_file_is_written_once_when_its_last_chunk_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, plan, voxels = tmp_path / "o", chunk_plan(SHARDED), voxels_of(SHARDED)
    sink = OmeZarrSink(path, SHARDED, {})
    assert sink.unit == (16, 32, 33)
    written: Counter[str] = Counter()
    original = WholeFiles.write
    monkeypatch.setattr(
        WholeFiles, "write", lambda self, name, parts: (written.update([name]), original(self, name, parts))[1]
    )
    stored = set()
    for index in np.ndindex(*plan.chunk_grid):
        box = plan.chunk_box(index)
        before = sum(written.values())
        now = sink.write(index, box, voxels[box.slices])
        assert bool(now) == (sum(written.values()) == before + 2)  # a file on each of two levels
        for chunk in now:
            place = plan.chunk_box(chunk).slices
            np.testing.assert_array_equal(sink.volume.data[place], voxels[place])
        stored |= set(now)
        # what waits is neither there nor recorded
        assert finished_chunks(path, {}) == stored
    assert stored == set(np.ndindex(*plan.chunk_grid))
    assert set(written.values()) == {1}
    assert {Path(name) for name in written} == {file for file in shard_files(path) if file.is_file()}


def test_the_chunks_of_a_shard_are_recorded_by_one_line_so_all_or_none(tmp_path: Path) -> None:
    path = tmp_path / "o"
    fill(OmeZarrSink(path, SHARDED, {}), SHARDED)
    lines = (path / JOURNAL).read_bytes().splitlines(keepends=True)
    assert sorted(len(json.loads(line).get("chunks", [0])) for line in lines[1:]) == [1, 2, 2, 2, 4, 4]
    for end in range(len(lines[0]), sum(map(len, lines))):
        (path / JOURNAL).write_bytes(b"".join(lines)[:end])
        done = finished_chunks(path, {})
        shards = Counter((z // 2, y // 2) for z, y, _ in done)
        assert all(n == min(2, 3 - 2 * z) * min(2, 5 - 2 * y) for (z, y), n in shards.items())


def test_whoever_records_for_others_records_whole_shards(tmp_path: Path) -> None:
    path = tmp_path / "o"
    first = OmeZarrSink(path, SHARDED, {})
    worker = OmeZarrSink(path, SHARDED, {}, resume=True, record=False)
    fill(worker, SHARDED)
    assert finished_chunks(path, {}) == frozenset()
    for index in [(0, 0, 0), (0, 1, 0), (1, 0, 0), (2, 4, 0)]:
        first.record(index)
    assert finished_chunks(path, {}) == {(2, 4, 0)}
    first.record((1, 1, 0))
    assert finished_chunks(path, {}) == {(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0), (2, 4, 0)}


def test_chunks_whose_neighbours_never_come_are_stored_by_a_flush(tmp_path: Path) -> None:
    plan, voxels = chunk_plan(SHARDED), voxels_of(SHARDED)
    sink = OmeZarrSink(tmp_path / "o", SHARDED, {})
    expected = np.zeros_like(voxels)
    for index in [(0, 0, 0), (1, 1, 0), (2, 3, 0)]:
        place = plan.chunk_box(index).slices
        assert sink.write(index, plan.chunk_box(index), voxels[place]) == ()
        expected[place] = voxels[place]
    assert not sink.volume.data[...].any()
    assert set(sink.flush()) == {(0, 0, 0), (1, 1, 0), (2, 3, 0)} == finished_chunks(tmp_path / "o", {})
    np.testing.assert_array_equal(sink.volume.data[...], expected)
    np.testing.assert_array_equal(sink.volume.levels[1].data[...], expected[:, ::2, ::2])


def test_chunks_wait_in_memory_up_to_the_bound_and_leave_no_scratch(tmp_path: Path) -> None:
    spec = replace(PROBABILITIES, shard=(800, 1600, 33), waiting_bytes=100_000)
    plan, voxels = chunk_plan(spec), voxels_of(spec)
    sink = OmeZarrSink(tmp_path / "o", spec, {})
    sizes = []
    for index in list(np.ndindex(*plan.chunk_grid))[:-1]:
        box = plan.chunk_box(index)
        sink.write(index, box, voxels[(..., *box.slices)])
        sizes.append(sum(file.stat().st_size for file in tmp_path.glob(".o-scratch-*/*")))
    # each chunk is about 3 * 8 * 16 * 33 * 4 = 50688 bytes of noise and a quarter more for the coarser level
    assert sizes[0] == 0
    assert sum(size > 0 for size in sizes) >= 12
    sink.close()
    assert not list(tmp_path.glob(".o*"))
    assert finished_chunks(tmp_path / "o", {}) == frozenset()
    assert not shard_files(tmp_path / "o")


def test_a_sink_that_is_forgotten_leaves_no_scratch(tmp_path: Path) -> None:
    sink, plan = OmeZarrSink(tmp_path / "o", replace(SHARDED, waiting_bytes=0), {}), chunk_plan(SHARDED)
    sink.write((0, 0, 0), plan.chunk_box((0, 0, 0)), np.zeros((8, 16, 33), np.uint8))
    assert list(tmp_path.glob(".o-scratch-*/*"))
    del sink
    gc.collect()
    assert not list(tmp_path.glob(".o*"))


def test_stale_scratch_of_killed_runs_is_found_by_its_name(tmp_path: Path) -> None:
    sink, plan = OmeZarrSink(tmp_path / "o", replace(SHARDED, waiting_bytes=0), {}), chunk_plan(SHARDED)
    sink.write((0, 0, 0), plan.chunk_box((0, 0, 0)), np.zeros((8, 16, 33), np.uint8))
    remove_stale(tmp_path / "o")  # the room of the partial sums does it for both
    assert [entry.name for entry in tmp_path.iterdir()] == ["o"]


def test_a_full_scratch_disk_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink, plan = OmeZarrSink(tmp_path / "o", replace(SHARDED, waiting_bytes=0), {}), chunk_plan(SHARDED)

    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(StorageError, match=r"wait for their shard do not fit .*No space left.*choose smaller shards"):
        sink.write((0, 0, 0), plan.chunk_box((0, 0, 0)), np.zeros((8, 16, 33), np.uint8))


def test_a_torn_shard_is_neither_read_nor_kept(tmp_path: Path) -> None:
    path = tmp_path / "o"
    sink = OmeZarrSink(path, SHARDED, {})
    voxels = fill(sink, SHARDED)
    sink.close()
    whole = {file: file.read_bytes() for file in shard_files(path) if file.is_file()}
    (path / JOURNAL).write_text(json.dumps({"identity": {}}) + "\n")
    for i, file in enumerate(whole):
        file.write_bytes(whole[file][: 7 * i])  # as a power cut may leave it
    leftovers = [path / "0" / "seamless-unfinished" / "abc", path / "zarr.1234.partial"]
    for file in leftovers:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"torn")
    again = OmeZarrSink(path, SHARDED, {}, resume=True)
    assert not any(file.exists() for file in leftovers)
    fill(again, SHARDED)
    again.finish()
    assert {file: file.read_bytes() for file in shard_files(path) if file.is_file()} == whole
    np.testing.assert_array_equal(again.volume.data[...], voxels)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.sinks.test_shards import SHARDED, fill
from napari_seamless.sinks import OmeZarrSink

calls, at = iter(range(10**6)), int(sys.argv[2])

def dying(name):
    original = getattr(os, name)
    def call(*arguments, **options):
        if next(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)
    setattr(os, name, call)

sink = OmeZarrSink(Path(sys.argv[1]), SHARDED, {})
dying("replace")
dying("write")
fill(sink, SHARDED)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("at", [1, 3, 4, 13])
def test_a_kill_leaves_whole_shards_or_none(at: int, tmp_path: Path) -> None:
    path = tmp_path / "o"
    command = [sys.executable, "-c", KILLED, str(path), str(at)]
    result = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=False)
    assert result.returncode == -9, result.stderr.decode()
    whole = OmeZarrSink(tmp_path / "whole", SHARDED, {})
    voxels = fill(whole, SHARDED)
    for file in shard_files(path):
        if file.is_file():
            assert file.read_bytes() == (tmp_path / "whole" / file.relative_to(path)).read_bytes()
    done = finished_chunks(path, {})
    # two files, each moved in vain before its folder is made, and a line
    assert len({(z // 2, y // 2) for z, y, _ in done}) == at // 5
    again, plan = OmeZarrSink(path, SHARDED, {}, resume=True), chunk_plan(SHARDED)
    for index in np.ndindex(*plan.chunk_grid):
        place = plan.chunk_box(index).slices
        if index in done:
            np.testing.assert_array_equal(again.volume.data[place], voxels[place])
        else:
            again.write(index, plan.chunk_box(index), voxels[place])
    again.finish()
    np.testing.assert_array_equal(again.volume.data[...], voxels)
    assert not (path / "0" / "seamless-unfinished").exists()
    assert {file.name for file in path.iterdir()} == {"0", "1", "zarr.json"}
