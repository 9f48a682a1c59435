"""Machine, versions and tables for the result files; contenders in processes of their own, in turn."""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESULTS = Path(__file__).parent / "results"
PEERS = {
    "monai": "monai",
    "monai_buffered": "monai",
    "patchly": "patchly",
    "patchly_chunked": "patchly",
    "tiler": "tiler",
    "torchio": "torchio",
}
"""The package that each contender needs."""

Figures = dict[str, Any]


def arguments(doc: str | None, **defaults: object) -> argparse.Namespace:
    """Parse what every benchmark takes: ``--one CONTENDER`` for its own processes, ``--quick``, and numbers.

    Parameters
    ----------
    doc : str
        The benchmark's docstring.
    **defaults
        Further options by name; their types are those of the defaults.
    """
    parser = argparse.ArgumentParser(description=(doc or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--one", help="run one contender in this process and print its figures as JSON")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, printed and not recorded: does it run?")
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    return parser.parse_args()


def machine() -> str:
    """Return processor, cores and memory in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next((line.split(":")[1].strip() for line in cpuinfo.open() if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB"


def versions(*packages: str) -> str:
    """Return installed versions in one line."""
    there = [name for name in ("napari-seamless", *packages) if importlib.util.find_spec(name.replace("-", "_"))]
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in there)])


def write(name: str, title: str, parts: Sequence[str], *packages: str, quick: bool = False) -> None:
    """Print a result page, and record it unless it was a quick run."""
    date = datetime.datetime.now(tz=datetime.UTC).date()
    head = f"## {title}\n\n{machine()}; {versions(*packages)}; {date}. Repeat: `make bench-{name}`.\n"
    text = "\n".join([head, *parts])
    if not quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines) + "\n"


def installed(names: Sequence[str]) -> list[str]:
    """Return the contenders whose package is there."""
    return [name for name in names if name not in PEERS or importlib.util.find_spec(PEERS[name])]


def finish(**figures: object) -> None:
    """Print the figures of a contender: the last line that its process prints."""
    print(json.dumps(figures))


def in_process(script: str, *options: str, seconds: float | None = None) -> Figures:
    """Run a contender in a process of its own.

    Returns
    -------
    dict
        Its figures; ``{"failed": reason}`` where it fails, or takes longer than `seconds`.
    """
    command = [sys.executable, script, *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done in {seconds:.0f} s"}
    if done.returncode < 0:
        return {"failed": f"killed by signal {-done.returncode}"}
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:100] if done.stderr.strip() else "failed"}
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def rounds(script: str, contenders: Mapping[str, Sequence[str]], n: int) -> dict[str, dict[str, list[float]]]:
    """Run all contenders in turn, `n` rounds; return every figure of every round."""
    figures: dict[str, dict[str, list[float]]] = {name: {} for name in contenders}
    for _ in range(n):
        for name, options in contenders.items():
            run = in_process(script, *options)
            if "failed" in run:
                raise SystemExit(f"{script} {' '.join(options)}: {run['failed']}")
            for key, value in run.items():
                figures[name].setdefault(key, []).append(value)
    return figures


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return median, least and most as text."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"
