"""The installed program as a process: streams, exit statuses, signals, limits of the system."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import zarr
from tests.cli.cases import store

import napari_seamless

PROGRAM = Path(sys.executable).with_name("napari-seamless")
BYTES_PER_FILE = 2048


def call(*words, **options):
    return subprocess.run(
        [PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120, check=False, **options
    )


def test_the_version():
    done = call("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert napari_seamless.__version__ in done.stdout


def test_json_is_alone_on_standard_output(volume, networks, tmp_path):
    output = tmp_path / "out.ome.zarr"
    (volume / "c" / "0" / "0" / "0").unlink()
    done = call("segment", volume, output, "--model", networks["bands"], "--patch", "12", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["output"] == str(output)
    assert done.stdout.count("\n") == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Warning: ")


def test_a_full_disk_stops_the_run_with_one_sentence_and_nothing_on_standard_output(networks, tmp_path):
    """The system refuses files beyond a size, as it refuses all of them on a full disk."""
    source = store(tmp_path / "noise.zarr", np.random.default_rng(0).random((48, 48, 48), np.float32), chunk=48)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES_PER_FILE, BYTES_PER_FILE))

    output = tmp_path / "out.ome.zarr"
    words = ["segment", source, output, "--model", networks["bands"], "--patch", "24", "--json"]
    done = call(*words, preexec_fn=limit)
    assert (done.returncode, done.stdout) == (1, "")
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    assert "out.ome.zarr" in lines[0]
    assert "cannot be written" in lines[0]


def test_ctrl_c_keeps_what_is_finished_and_the_run_goes_on_from_there(invoke, networks, tmp_path):
    voxels = np.random.default_rng(1).random((64, 32, 32), np.float32) * 0.9 + 0.05
    source, output = store(tmp_path / "large.zarr", voxels, chunk=32), tmp_path / "out.ome.zarr"
    words = ["segment", source, output, "--model", networks["bands"], "--patch", "16", "--overlap", "0.75"]
    words += ["--chunk", "16", "--device", "cpu"]
    process = subprocess.Popen([PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_lines(output / "0" / "seamless-journal.jsonl", 2, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "--resume" in told
    assert "Traceback" not in told

    done = invoke(*words, "--resume", "--json")
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert 0 < report["evaluated"] < report["patches"] == 13 * 5 * 5
    labels = zarr.open_group(output, mode="r")["0"][...]
    np.testing.assert_array_equal(labels, np.digitize(voxels, [0.3, 0.6]))


def wait_for_lines(journal, n, process):
    """Wait until the journal tells of finished chunks."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if journal.exists() and len(journal.read_text().splitlines()) >= n:
            return
        time.sleep(0.02)
    pytest.fail(f"the run wrote no chunk: {process.communicate(timeout=5)[1]}")


def test_several_processes_write_what_one_writes(invoke, networks, tmp_path):
    """Only the run on several starts a program: its workers begin with what the installed one begins with."""
    source = store(tmp_path / "noise.zarr", np.random.default_rng(0).random((24, 20, 20), np.float32), chunk=12)
    line = ["--model", networks["bands"], "--patch", "8", "--chunk", "8", "--device", "cpu"]
    again = "evaluated again, at the borders between tasks"
    alone = invoke("segment", source, tmp_path / "one.zarr", *line)
    assert (alone.exit_code, again in alone.output) == (0, False), alone.output
    done = call("segment", source, tmp_path / "many.zarr", *line, "--workers", "2")
    assert (done.returncode, again in done.stdout + done.stderr) == (0, True), done.stderr
    one, many = (zarr.open_array(tmp_path / f"{name}.zarr" / "0", mode="r")[...] for name in ("one", "many"))
    np.testing.assert_array_equal(one, many)
    assert one.any()
