"""Killed while painting and refining, the program loses nothing that was painted more than a second ago."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import zarr
from tests.training.painter import SHAPE

from napari_seamless.training.canvas import Canvas
from napari_seamless.training.painting import Painting

FOR_S = 2.5


def test_killed_while_painting_and_refining(tmp_path: Path) -> None:
    folder = tmp_path / "a.corrections.zarr"
    command = [sys.executable, "-m", "tests.training.painter", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as painter:
        assert painter.stdout is not None
        lines = [painter.stdout.readline()]
        assert lines[0], "the program ended before it painted"
        killer = time.monotonic() + FOR_S
        while time.monotonic() < killer:
            lines.append(painter.stdout.readline())
        killed = time.monotonic()
        painter.kill()
        lines += painter.stdout.readlines()
    strokes = [(int(i), float(at)) for i, at in (line.split() for line in lines if line.endswith("\n"))]
    old = [i for i, at in strokes if at < killed - 1]
    assert len(old) > 50

    stored = zarr.open_array(folder, mode="r")[:].ravel()
    expected = 1 + np.arange(stored.size) % 2
    np.testing.assert_array_equal(stored[: old[-1] + 1], expected[: old[-1] + 1])
    painted = np.flatnonzero(stored)
    np.testing.assert_array_equal(stored[painted], expected[painted])
    assert painted[-1] <= strokes[-1][0] + 1

    canvas = Canvas(shape=SHAPE, axes=("z", "y", "x"), spacing=(1.0,) * 3)
    with Painting(folder, canvas) as again:
        assert sum(again.n_painted.values()) == painted.size
        again[39, 149, 149] = 1
