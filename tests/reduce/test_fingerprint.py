"""The same function has the same fingerprint in every process, and another one another."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_seamless.reduce.fingerprint import fingerprint

WRITTEN = """
import functools

def above(means, box, limit=0.5):
    return means[0] > limit

def at(limit):
    def inner(means, box):
        return means[0] > limit
    return inner

class Above:
    def __init__(self, limit): self.limit = limit
    def __call__(self, means, box): return means[0] > self.limit
    def method(self, means, box): return means[0] > self.limit
"""

MADE = "above, functools.partial(above, limit=0.7), at(0.5), Above(0.5), Above(0.5).method, len"


def in_a_process(folder: Path) -> list[dict[str, str]]:
    """Return the fingerprints that a fresh interpreter finds; it loads the one file, for torch would take seconds."""
    code = (
        f"import json, sys; sys.path.append({str(Path(inspect.getfile(fingerprint)).parent)!r});"
        "from fingerprint import fingerprint; from rules import *;"
        f"print(json.dumps([fingerprint(made) for made in ({MADE})]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def test_every_process_finds_the_same_until_the_source_changes(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text(WRITTEN)
    first = in_a_process(tmp_path)
    assert first == in_a_process(tmp_path)
    assert [found["name"] for found in first[:3]] == ["rules.above", "rules.above", "rules.at.<locals>.inner"]
    (tmp_path / "rules.py").write_text(WRITTEN.replace("> limit", ">= limit").replace("> self.limit", ">= self.limit"))
    changed = [a != b for a, b in zip(first, in_a_process(tmp_path), strict=True)]
    assert changed == [True] * 5 + [False]


def sources() -> list[Callable]:
    def bound(limit: float) -> Callable:
        return lambda means, box: means[0] > limit

    def named(means, box, limit=0.5):
        return means[0] > limit

    def stricter(means, box, limit=0.6):
        return means[0] > limit

    return [
        bound(0.5),
        bound(0.6),
        named,
        stricter,
        functools.partial(named, limit=0.5),
        functools.partial(named, limit=0.6),
        Limit(0.5),
        Limit(0.6),
        Limit(0.5).method,
        Limit(0.6).method,
        np.maximum,
        len,
    ]


class Limit:
    def __init__(self, limit: float) -> None:
        self.limit = limit

    def __call__(self, means, box):
        return means[0] > self.limit

    def method(self, means, box):
        return means[0] > self.limit


def test_whatever_decides_the_result_decides_the_fingerprint() -> None:
    prints = [json.dumps(fingerprint(function), sort_keys=True) for function in sources()]
    assert len(set(prints)) == len(prints)
    assert prints == [json.dumps(fingerprint(function), sort_keys=True) for function in sources()]


def test_the_hash_is_that_of_the_source() -> None:
    found = fingerprint(nothing_special)
    assert found["name"].endswith("nothing_special")
    assert found["source_sha256"] == hashlib.sha256(inspect.getsource(nothing_special).encode()).hexdigest()
    assert "values_sha256" not in found


def nothing_special(means, box):
    return means


@pytest.mark.parametrize("value", [lambda: 0, open, (i for i in range(2))], ids=["lambda", "builtin", "generator"])
def test_values_that_cannot_be_pickled_are_left_out(value: object) -> None:
    found = fingerprint(functools.partial(nothing_special, box=value))
    assert found["name"].endswith("nothing_special")
    assert ("values_sha256" in found) == (value is open)
