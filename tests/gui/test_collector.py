"""Garbage is collected on the main thread while a run goes on, and as usual afterwards."""

from __future__ import annotations

import gc
import threading

import pytest
from tests.gui.hands import Threshold

from napari_seamless._qt.collector import MainThreadCollector


@pytest.fixture
def collecting_threads():
    """Names of the threads on which Python collected."""
    names: list[str] = []

    def note(phase: str, _: dict) -> None:
        if phase == "start":
            names.append(threading.current_thread().name)

    gc.callbacks.append(note)
    yield names
    gc.callbacks.remove(note)


def test_a_run_collects_on_the_main_thread_only(make_hands, volume, collecting_threads):
    class Wasteful(Threshold):
        """Leaves so many cycles behind that a collection is due in every patch."""

        def forward(self, batch):
            for _ in range(5000):
                cycle: list = []
                cycle.append(cycle)
            return super().forward(batch)

    hands = make_hands(volume, Wasteful(0.1))
    hands.choose_network()
    hands.tile(16)
    hands.wait_measured()
    collecting_threads.clear()
    hands.click("run")
    hands.wait_idle()
    assert set(collecting_threads) == {threading.main_thread().name}
    hands.until(gc.isenabled)
    assert gc.get_freeze_count() == 0


def test_two_users_share_the_collector(qapp):
    first, second = MainThreadCollector(), MainThreadCollector()
    first.begin()
    second.begin()
    first.end()
    assert not gc.isenabled()
    second.end()
    second.end()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off(qapp):
    gc.disable()
    try:
        collector = MainThreadCollector()
        collector.begin()
        collector.end()
        assert not gc.isenabled()
    finally:
        gc.enable()
