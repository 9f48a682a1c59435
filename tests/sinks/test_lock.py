"""Two runs never write into one output, and a killed one does not keep it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from napari_seamless.errors import OutputExistsError
from napari_seamless.sinks import lock, only_writer

HOLD = """
import sys
from pathlib import Path
from napari_seamless.sinks import only_writer

with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def another_process(output: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold an output in another process."""
    command = [sys.executable, "-c", HOLD, str(output)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_another_process_is_refused_until_the_first_one_ends(tmp_path: Path) -> None:
    output = tmp_path / "out.zarr"
    with another_process(output) as process:
        message = (
            rf"Another run is writing the output .*out.zarr \(process {process.pid} on .*\); wait for it or end it"
        )
        with pytest.raises(OutputExistsError, match=message), only_writer(output):
            pass
        with only_writer(tmp_path / "other.zarr"):
            pass
        process.communicate("\n", timeout=20)
    assert list(tmp_path.iterdir()) == []
    with only_writer(output):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    with another_process(tmp_path / "out") as process:
        process.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        process.wait(20)
        assert [path.name for path in tmp_path.iterdir()] == [".out-lock"]
        with only_writer(tmp_path / "out"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_the_same_process_is_refused_too_and_by_another_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with only_writer(tmp_path / "out"):
        for name in ("out", "link", "a/../out"):
            with pytest.raises(OutputExistsError, match=f"process {os.getpid()} on"), only_writer(tmp_path / name):
                pass
    with only_writer(tmp_path / "link"), pytest.raises(OutputExistsError), only_writer(tmp_path / "out"):
        pass


def test_it_is_let_go_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), only_writer(tmp_path / "out"):
        raise ZeroDivisionError
    with only_writer(tmp_path / "out"):
        pass


def test_folders_that_nothing_came_into_are_removed_again(tmp_path: Path) -> None:
    with only_writer(tmp_path / "a" / "b" / "out"):
        assert (tmp_path / "a" / "b").is_dir()
    assert list(tmp_path.iterdir()) == []
    with only_writer(tmp_path / "a" / "b" / "out"):
        (tmp_path / "a" / "b" / "out").mkdir()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["out"]


def test_many_at_once_never_hold_it_together(tmp_path: Path) -> None:
    inside, most, held = 0, 0, 0
    counting = threading.Lock()

    def hold() -> None:
        nonlocal inside, most, held
        for _ in range(200):
            try:
                with only_writer(tmp_path / "out"):
                    with counting:
                        inside, held = inside + 1, held + 1
                        most = max(most, inside)
                    with counting:
                        inside -= 1
            except OutputExistsError:
                pass

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert held > 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_take", no_locks)
    with only_writer(tmp_path / "out"), only_writer(tmp_path / "out"):
        assert list(tmp_path.iterdir()) == []


def test_a_place_where_no_file_can_be_made_is_left_to_the_writer_to_tell(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with only_writer(tmp_path / "file" / "out"):
        pass
