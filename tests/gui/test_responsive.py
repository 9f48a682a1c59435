"""The event loop stays free during a run."""

from __future__ import annotations

import logging
import time
from collections import defaultdict

import numpy as np
import pytest
from napari._qt.qt_main_window import _QtMainWindow
from qtpy.QtCore import QEvent
from tests.gui.hands import Threshold

from napari_seamless._napari.growing import GrowingLayers
from napari_seamless._qt.controllers.run_controller import RunController
from napari_seamless._qt.worker import Worker

_log = logging.getLogger(__name__)

BEAT_MS = 5
LIMIT_MS = 100


class Spent:
    """Milliseconds that the main thread spends in some methods: on the clock, and computing."""

    def __init__(self, monkeypatch) -> None:
        self.clock: dict[str, list[float]] = defaultdict(list)
        self.computing: dict[str, list[float]] = defaultdict(list)
        self._monkeypatch = monkeypatch

    def watch(self, owner: type, name: str, only=lambda *_: True) -> None:
        method = getattr(owner, name)

        def timed(this, *args):
            if not only(*args):
                return method(this, *args)
            clock, computing = time.perf_counter(), time.thread_time()
            try:
                return method(this, *args)
            finally:
                self.clock[name].append(1000 * (time.perf_counter() - clock))
                self.computing[name].append(1000 * (time.thread_time() - computing))

        self._monkeypatch.setattr(owner, name, timed)


@pytest.fixture
def spent(monkeypatch) -> Spent:
    spent = Spent(monkeypatch)
    spent.watch(Worker, "_drain")
    spent.watch(GrowingLayers, "_refresh")
    spent.watch(RunController, "_on_started")
    # The window paints itself and composes the canvas into it when it handles this event.
    spent.watch(_QtMainWindow, "event", lambda event: event.type() == QEvent.Type.UpdateRequest)
    return spent


def test_the_event_loop_is_free_during_a_run(spent, make_hands):
    """Heartbeats during a run, drawing counted apart.

    What a busy machine does to the clock is logged (``--log-cli-level=INFO``) and bounded loosely; what this package
    computes on the main thread is bounded strictly, by the thread's own processor time.
    """
    volume = np.random.default_rng(1).random((64, 64, 64), dtype=np.float32)
    hands = make_hands(volume, Threshold(0.06))
    hands.choose_network()
    hands.tile(16, chunk=16)
    hands.wait_measured()
    hands.click("run")
    hands.until(lambda: hands.result is not None)
    started = max(spent.computing.pop("_on_started"))
    spent.clock.clear()
    spent.computing.clear()
    gaps = heartbeats(hands, spent)
    figures = {
        "late by, median": np.median(gaps),
        "late by, 99%": np.percentile(gaps, 99),
        "late by, at most": max(gaps),
        "draining": max(spent.computing["_drain"]),
        "refreshing": max(spent.computing["_refresh"]),
        "adding the layer": started,
    }
    _log.info(", ".join(f"{name} {value:.1f} ms" for name, value in figures.items()))
    assert len(gaps) > 30
    assert np.median(gaps) < LIMIT_MS
    assert figures["draining"] < LIMIT_MS
    assert figures["refreshing"] < LIMIT_MS


def heartbeats(hands, spent: Spent) -> list[float]:
    """Return the milliseconds by which each beat was late, drawing left out."""
    late, last = [], time.perf_counter()
    while hands.dock.state.phase.busy:
        drawn = sum(spent.clock["event"])
        hands.qtbot.wait(BEAT_MS)
        now = time.perf_counter()
        late.append(1000 * (now - last) - BEAT_MS - (sum(spent.clock["event"]) - drawn))
        last = now
    return late
