"""Together or alone: nobody is inside with a thread that asked to be alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_seamless.engine.gate import Gate


def test_threads_are_inside_together() -> None:
    gate, met = Gate(), threading.Barrier(3, timeout=10)

    def enter() -> None:
        with gate.together():
            met.wait()  # passes only if all three are inside at once

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(enter) for _ in range(3)]:
            future.result()


def test_one_alone_waits_for_those_inside_and_keeps_newcomers_out() -> None:
    gate, events = Gate(), []
    entered, leave, alone, release = (threading.Event() for _ in range(4))

    def first() -> None:
        with gate.together():
            entered.set()
            leave.wait(10)
            events.append("first leaves")

    def lonely() -> None:
        with gate.alone():
            events.append("alone")
            alone.set()
            release.wait(10)
            events.append("alone no more")

    def newcomer() -> None:
        with gate.together():
            events.append("newcomer")

    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(first)]
        assert entered.wait(10)
        futures.append(pool.submit(lonely))
        assert not alone.wait(0.05)
        leave.set()
        assert alone.wait(10)
        futures.append(pool.submit(newcomer))
        release.set()
        for future in futures:
            future.result(timeout=10)
    assert events == ["first leaves", "alone", "alone no more", "newcomer"]


def test_nobody_is_ever_inside_with_one_who_is_alone() -> None:
    gate, lock, inside, seen = Gate(), threading.Lock(), [0], []

    def visit(number: int) -> None:
        for turn in range(50):
            if (turn + number) % 5 == 0:
                with gate.alone():
                    seen.append(inside[0])
            else:
                with gate.together():
                    with lock:
                        inside[0] += 1
                    with lock:
                        inside[0] -= 1

    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(visit, number) for number in range(6)]:
            future.result(timeout=30)
    assert seen == [0] * 60


def test_an_error_inside_leaves_the_gate_open() -> None:
    gate = Gate()
    for way in (gate.together, gate.alone):
        with pytest.raises(ZeroDivisionError), way():
            _ = 1 / 0
    with gate.alone():
        pass
