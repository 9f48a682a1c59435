"""How long a setting takes from the key that is pressed to the picture: the tuning dock in a real napari, on the brain.

A region of 128^3 with patches of 64^3, whose predictions come from a cheap network, which does not matter to what is
measured: patches are blended, not evaluated. Keys move overlap and window through every setting of the lattice, with
result and seam map shown. One time ends when the canvas has been drawn with the new result, another when Qt has put
canvas and docks together. A slice is drawn as a run would leave it; in 3D a coarse preview comes first and the whole
region a little later.

Needs a display with OpenGL; where there is no GPU, OpenGL in software takes a large part of the time.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import napari
import report
import torch
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_seamless._qt.core import installed_core
from napari_seamless._qt.tuning import TuneDock
from napari_seamless.engine.tuning import WINDOWS, Candidate
from napari_seamless.models import load_model

if TYPE_CHECKING:
    from collections.abc import Callable

PATCH, REGION = 64, "z=40:168,y=60:188,x=30:158"
QUICK_PATCH, QUICK_REGION = 32, "z=80:144,y=80:144,x=60:124"
OVERLAPS = (0.0, 0.25, 0.5, 0.75)
PAGES = len(OVERLAPS) - 1
WINDOW_SIZE = (1400, 900)
PATIENCE_SECONDS = 300
REST_SECONDS = 0.1


class Thresholds(torch.nn.Module):
    """Three classes by the intensity alone, less certain towards the border of the patch."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Return probabilities."""
        scores = torch.cat([-(batch + 1).abs(), -(batch - 0.3).abs(), -(batch - 1.2).abs()], dim=1)
        ramp = torch.linspace(-1, 1, batch.shape[-1])
        return torch.softmax(scores * (5 - 4 * ramp.square()), dim=1)


class Window:
    """A real viewer with the dock, and hands on it.

    Parameters
    ----------
    quick : bool
        A small region.
    """

    def __init__(self, *, quick: bool) -> None:
        patch, region = (QUICK_PATCH, QUICK_REGION) if quick else (PATCH, REGION)
        self.viewer = napari.Viewer(show=True)
        image, truth = self.viewer.open_sample("napari-seamless", "brain")
        model = load_model(Thresholds())
        self.dock = TuneDock(self.viewer, core=installed_core())
        self.viewer.window.add_dock_widget(self.dock, name="Tune overlap", area="right")
        self.viewer.window.resize(*WINDOW_SIZE)
        self.dock.choose(layer=image, model=model, truth=truth, region=region)
        wait(until=lambda: self.dock.state.model is not None)
        self.dock.setting.apply(Candidate((patch,) * 3, OVERLAPS[-1]))
        self.canvas = self.viewer.window._qt_viewer.canvas._scene_canvas
        self.canvas.events.draw.connect(self._on_draw, position="last")
        self.drawn: list[float] = []

    def evaluate(self) -> float:
        """Evaluate the region; return the seconds."""
        tuner_region = self.dock.state.values["region"]
        begin = time.perf_counter()
        self.dock.evaluation.evaluate()
        wait(until=lambda: not self.dock.state.phase.busy)
        if not self.dock.tuning.points:
            raise SystemExit(f"{tuner_region}: {self.dock.state.message.text}")
        return time.perf_counter() - begin

    def look(self, n_displayed: int) -> None:
        """Show a slice through the middle of the region, or all of it."""
        region, layer = self.dock.tuning.tuner.region, self.dock.state.layer
        middle = [(a + b) // 2 for a, b in zip(region.start, region.stop, strict=True)]
        self.viewer.dims.ndisplay = n_displayed
        self.viewer.dims.point = layer.data_to_world(middle)
        self.settle()

    def settle(self) -> None:
        """Wait until the whole region of the setting is there and drawn, and everything rests."""
        live, tuning = self.dock.live, self.dock.tuning
        wait(until=lambda: live._whole == (tuning.candidate, tuning.revision) and not live._busy)
        wait(0.3)

    def press(self, name: str, key: Qt.Key) -> tuple[float, float]:
        """Press a key; return the seconds until the canvas is drawn with what follows, and until the window is."""
        live, tuning = self.dock.live, self.dock.tuning
        before = tuning.candidate
        widget = self.dock.findChild(object, name)
        self.drawn.clear()
        begin = time.perf_counter()
        QTest.keyClick(widget, key)
        if tuning.candidate == before:
            raise SystemExit(f"{key} on {name} changed nothing.")
        wait(until=lambda: live._shown == tuning.candidate and bool(self._drawn_after(begin + live.seconds)))
        return self._drawn_after(begin + live.seconds)[0] - begin, time.perf_counter() - begin

    def whole(self) -> float:
        """Return the seconds from the last change to the whole region, handed to the layers."""
        self.settle()
        return self.dock.live.seconds

    def _drawn_after(self, instant: float) -> list[float]:
        return [t for t in self.drawn if t >= instant]

    def _on_draw(self, *_: object) -> None:
        self.drawn.append(time.perf_counter())


def wait(seconds: float = 0.0, until: Callable[[], bool] = lambda: False) -> None:
    """Let the window live until a condition holds or, without one, for some time."""
    begin = time.monotonic()
    while not until() and time.monotonic() - begin < (seconds or PATIENCE_SECONDS):
        QApplication.processEvents()
        time.sleep(0.001)


def tour() -> list[tuple[str, Qt.Key]]:
    """Return keys that lead through every overlap with every window: the overlap up, then the next window, and down."""
    keys: list[tuple[str, Qt.Key]] = []
    for i in range(len(WINDOWS)):
        keys += [("tuneOverlap", Qt.Key.Key_PageUp if i % 2 else Qt.Key.Key_PageDown)] * PAGES
        keys += [("tuneWindow", Qt.Key.Key_Down)] * (i < len(WINDOWS) - 1)
    return keys


def row(name: str, seconds: list[float]) -> list[str]:
    """Return a row of the table, in milliseconds."""
    values = sorted(1000 * s for s in seconds)
    ninety = statistics.quantiles(values, n=10, method="inclusive")[-1]
    return [name, str(len(values)), f"{statistics.median(values):.0f}", f"{ninety:.0f}", f"{values[-1]:.0f}"]


def measure(window: Window, n_displayed: int, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Return the times to the canvas, those to the window and, in 3D, those to the whole region."""
    window.look(n_displayed)
    canvas, shown, wholes = [], [], []
    for _ in range(rounds):
        window.dock.setting.apply(Candidate(window.dock.tuning.candidate.patch_size, OVERLAPS[-1], "edge", "gaussian"))
        window.settle()
        seen = {window.dock.tuning.candidate}
        for name, key in tour():
            drawn, composed = window.press(name, key)
            canvas.append(drawn)
            shown.append(composed)
            seen.add(window.dock.tuning.candidate)
            if n_displayed == 3:
                wholes.append(window.whole())
            wait(REST_SECONDS)
        if len(seen) != len(OVERLAPS) * len(WINDOWS):
            raise SystemExit(f"The keys led through {len(seen)} settings.")
    return canvas, shown, wholes


def main() -> None:
    """Open the window, evaluate, and press keys."""
    options = report.arguments(__doc__, rounds=3)
    window = Window(quick=options.quick)
    seconds = window.evaluate()
    slices, slices_shown, _ = measure(window, 2, 1 if options.quick else options.rounds)
    previews, previews_shown, wholes = measure(window, 3, 1)
    tuner = window.dock.tuning.tuner
    held = sum(tuner.held_bytes) / 2**30
    text = (
        f"Region {' × '.join(map(str, tuner.region.shape))}, patches of {tuner.plan_size()[0]}^3, overlaps "
        f"{', '.join(f'{o:g}' for o in OVERLAPS)} with every window; {len(tuner.predictions)} patches, "
        f"{held:.1f} GiB of predictions; evaluated in {seconds:.0f} s. Window of {WINDOW_SIZE[0]} × {WINDOW_SIZE[1]}; "
        f"OpenGL: {renderer()}.\n"
    )
    rows = [
        row("slice: result and seams drawn", slices),
        row("slice: the same, and the whole window composed", slices_shown),
        row("3D: preview drawn", previews),
        row("3D: the same, and the whole window composed", previews_shown),
        row("3D: whole region blended, after a rest of 500 ms", wholes),
    ]
    head = ("from the key to", "keys", "median, ms", "90th percentile, ms", "most, ms")
    parts = [text, report.table(head, rows)]
    report.write("slider", "The tuning window", parts, "napari", "numpy", quick=options.quick)
    window.viewer.close()


def renderer() -> Any:
    """Return what draws."""
    from vispy.gloo import gl

    return gl.glGetParameter(gl.GL_RENDERER)


if __name__ == "__main__":
    main()
