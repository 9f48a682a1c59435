"""Machine, versions and tables for the result files."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESULTS = Path(__file__).parent / "results"


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
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)])


def write(name: str, title: str, tables: Sequence[str], *packages: str) -> None:
    """Write a result page and print it."""
    date = datetime.datetime.now(tz=datetime.UTC).date()
    head = f"# {title}\n\n{machine()}; {versions(*packages)}; {date}.\n"
    head += f"Repeat: `.venv/bin/python benchmarks/{name}.py`.\n"
    RESULTS.mkdir(exist_ok=True)
    text = "\n".join([head, *tables])
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines) + "\n"


def in_process(script: str, *arguments: str) -> dict[str, float]:
    """Run a contender in a process of its own; its last line of output is a JSON object."""
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{script} {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def rounds(script: str, contenders: Mapping[str, Sequence[str]], n: int) -> dict[str, dict[str, float]]:
    """Run all contenders in turn, `n` rounds; return the median of every figure."""
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for _ in range(n):
        for name, arguments in contenders.items():
            figures[name].append(in_process(script, *arguments))
    return {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in figures.items()
    }
