"""Kill a run at random instants, resume it, kill it again, and compare its files with those of a run left alone.

    python -m tests.fuzz.crash --kills 200

One process imports everything and forks a child for each attempt, so that a kill costs no import. It calls nothing
that starts a thread: a fork copies only the thread that forks.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.engine.killed_run import SCENARIOS, Scenario, run

JOURNAL = "seamless-journal.jsonl"
POLL_SECONDS = 0.001
LIMIT_SECONDS = 120


def fork(scenario: Scenario, image: Path, output: Path) -> int:
    """Start the run in a child; return its process id."""
    if threading.active_count() != 1:
        raise RuntimeError(f"a process with threads must not fork: {threading.enumerate()}")
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        run(scenario, image, output)
        code = 0
    except BaseException:  # noqa: BLE001  the child must never return into its parent's stack
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def wait(pid: int) -> None:
    """Wait for a child that nobody kills."""
    if killed(pid, LIMIT_SECONDS):
        raise SystemExit(f"the run did not end within {LIMIT_SECONDS} s")


def killed(pid: int, seconds: float) -> bool:
    """Wait for a child, kill it after some seconds, and tell whether it had to be killed."""
    deadline = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            if os.waitstatus_to_exitcode(status):
                raise SystemExit("the run failed, which no kill explains; see above")
            return False
        if time.monotonic() >= deadline:
            os.kill(pid, signal.SIGKILL)
            return os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        time.sleep(POLL_SECONDS)


def files_of(output: Path) -> dict[str, bytes]:
    """Return every file of an output but the journal, whose lines come in the order in which chunks were finished."""
    paths = (path for path in output.rglob("*") if path.is_file() and path.name != JOURNAL)
    return {str(path.relative_to(output)): path.read_bytes() for path in paths}


def stage_of(output: Path) -> str:
    """Name how far a killed run had come."""
    if any(output.parent.glob(f".{output.name}-scratch-*/*.f32")):
        return "with sums spilled"
    if not (output / "0" / JOURNAL).exists():
        return "before its journal"
    return "with chunks stored" if any((output / "0").rglob("c/*")) else "before its first chunk"


class Hunt:
    """Kill runs of one scenario, and count what came of it.

    Parameters
    ----------
    name : str
        One of `SCENARIOS`.
    folder : Path
        Where outputs are made.
    rng : random.Random
        Decides the instants.
    """

    def __init__(self, name: str, folder: Path, rng: random.Random) -> None:
        import numpy as np

        self.counts: Counter[str] = Counter()
        self._scenario, self._folder, self._rng, self._name = SCENARIOS[name], folder, rng, name
        self._image = folder / "image.npy"
        np.save(self._image, self._scenario.image())
        seconds = []
        for _ in range(2):  # the first one warms the system's caches
            shutil.rmtree(folder / "whole.zarr", ignore_errors=True)
            begin = time.monotonic()
            wait(fork(self._scenario, self._image, folder / "whole.zarr"))
            seconds.append(time.monotonic() - begin)
        self.seconds = min(seconds)
        self._whole = files_of(folder / "whole.zarr")

    def run(self, kills: int) -> None:
        """Kill `kills` times; what is running then is resumed to its end and compared."""
        output = self._folder / "killed.zarr"
        while self.counts["kills"] < kills:
            while self._killed(output, self._rng.uniform(0, self.seconds)):
                if self.counts["kills"] == kills:
                    wait(fork(self._scenario, self._image, output))
                    break
            self._compare(output)
            shutil.rmtree(output)

    def _killed(self, output: Path, seconds: float) -> bool:
        if not killed(fork(self._scenario, self._image, output), seconds):
            return False
        self.counts["kills"] += 1
        self.counts[stage_of(output)] += 1
        return True

    def _compare(self, output: Path) -> None:
        self.counts["outputs"] += 1
        files = files_of(output)
        strays = {name for name in files.keys() - self._whole.keys() if name.endswith(".partial")}
        self.counts["torn files left"] += len(strays)
        different = [n for n in (files.keys() | self._whole.keys()) - strays if files.get(n) != self._whole.get(n)]
        self.counts["differences"] += len(different)
        for name in different:
            sys.stderr.write(f"{self._name}: {name} differs\n")
        left = [path.name for path in self._folder.iterdir() if path.name.startswith(".")]
        self.counts["scratch folders left"] += len(left)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Share the kills among the scenarios and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(SCENARIOS), default=list(SCENARIOS))
    options = parser.parse_args()
    total: Counter[str] = Counter()
    for i, name in enumerate(options.only):
        kills = options.kills // len(options.only) + (i < options.kills % len(options.only))
        with tempfile.TemporaryDirectory() as folder:
            hunt = Hunt(name, Path(folder), random.Random(f"{options.seed} {name}"))
            hunt.run(kills)
        total += hunt.counts
        say(f"{name}: a run takes {hunt.seconds:.2f} s; {dict(hunt.counts)}")
    say(f"{total['kills']} kills, {total['differences']} differences")
    say(json.dumps({"differences": 0, "scratch folders left": 0, **total}))
    sys.exit(1 if total["differences"] or total["scratch folders left"] else 0)


if __name__ == "__main__":
    main()
