"""Lanes: results in order, few of them at once, and nothing left when they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from random import Random

import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.networks import as_model, image, local_network
from torch import nn

from napari_seamless import segment
from napari_seamless.engine import Control, Event, Progress
from napari_seamless.engine import lanes as lanes_module
from napari_seamless.engine.lanes import LaneCount, Lanes, lane_count
from napari_seamless.engine.stopwatch import Stopwatch
from napari_seamless.models import load_model
from napari_seamless.plan import make_plan
from napari_seamless.recipe import make_settings
from napari_seamless.types import Plan

CPU = torch.device("cpu")
PLAN = make_plan((64, 64), 16)


def count(lanes: int, readers: int = 1) -> LaneCount:
    return LaneCount(devices=(CPU,) * lanes, threads=1, readers=readers)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("seamless-")] == []


@settings(max_examples=15)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 12), st.randoms(use_true_random=False))
def test_results_come_in_order_however_long_each_takes(lanes: int, readers: int, items: int, random: Random) -> None:
    seconds = [random.choice([0, 0, 0.001, 0.01]) for _ in range(items)]

    def work(item: int, lanes: Lanes[int, int]) -> int:
        with lanes.take():
            time.sleep(seconds[item])
        return item

    with Lanes(count(lanes, readers), work, Stopwatch()) as running:
        assert list(running.map(range(items))) == list(range(items))


@pytest.mark.parametrize(("lanes", "readers"), [(1, 1), (2, 1), (3, 4)])
def test_no_more_items_are_begun_than_may_be_held(lanes: int, readers: int) -> None:
    begun = 0

    def items() -> Iterator[int]:
        nonlocal begun
        while begun < 30:
            begun += 1
            yield begun

    limit = count(lanes, readers)
    with Lanes(limit, lambda item, _: item, Stopwatch()) as running:
        for done, result in enumerate(running.map(items()), 1):
            assert result == done
            assert begun - done < limit.in_flight
    assert begun == 30


@pytest.mark.parametrize("n", [1, 2, 3])
def test_at_most_one_item_is_in_a_lane_and_readers_go_on_meanwhile(n: int) -> None:
    inside, most, read = 0, 0, threading.Semaphore(0)
    lock = threading.Lock()

    def work(item: int, lanes: Lanes[int, int]) -> int:
        nonlocal inside, most
        read.release()
        with lanes.take():
            with lock:
                inside += 1
                most = max(most, inside)
            if item == 0:  # in the first lane: one more is read although no lane is free for it
                for _ in range(n + 1):
                    assert read.acquire(timeout=60)
            time.sleep(0.005)
            with lock:
                inside -= 1
        return item

    with Lanes(count(n), work, Stopwatch()) as running:
        assert list(running.map(range(12))) == list(range(12))
    assert most == n


def test_all_lanes_work_at_once() -> None:
    together = threading.Barrier(3)

    def work(item: int, lanes: Lanes[int, int]) -> int:
        with lanes.take():
            together.wait(60)
        return item

    with Lanes(count(3), work, Stopwatch()) as running:
        assert list(running.map(range(9))) == list(range(9))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_comes_in_its_turn_and_ends_the_threads(error: type[BaseException]) -> None:
    begun: list[int] = []
    begun_last = threading.Event()

    def work(item: int, lanes: Lanes[int, int]) -> int:
        begun.append(item)
        with lanes.take():
            if item == 3:
                raise error("the fourth")
        if item < 3:
            begun_last.wait(0.01)  # the ones before it are slower
        return item

    results: list[int] = []
    with pytest.raises(error, match="the fourth"), Lanes(count(2), work, Stopwatch()) as running:
        results.extend(running.map(range(1000)))
    assert results == [0, 1, 2]
    assert max(begun) <= 3 + count(2).in_flight


def test_a_lane_is_free_again_after_an_error() -> None:
    def work(item: int, lanes: Lanes[int, int]) -> int:
        with lanes.take():
            if item % 2:
                raise ValueError(item)
            return item

    with Lanes(count(1), work, Stopwatch()) as running:
        for item in range(6):
            if item % 2:
                with pytest.raises(ValueError, match=str(item)):
                    list(running.map([item]))
            else:
                assert list(running.map([item])) == [item]


def test_an_error_in_what_is_asked_for_ends_the_threads_too() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise LookupError("no more")

    running = Lanes(count(2), lambda item, _: item, Stopwatch())
    with pytest.raises(LookupError, match="no more"), running:
        list(running.map(items()))


def test_what_nobody_waits_for_is_not_begun() -> None:
    begun: list[int] = []
    go = threading.Event()

    def work(item: int, lanes: Lanes[int, int]) -> int:
        begun.append(item)
        with lanes.take():
            if item:
                go.wait(60)
        return item

    with Lanes(count(1, readers=1), work, Stopwatch()) as running:
        results = running.map(range(1000))
        assert next(results) == 0
        threading.Timer(0.05, go.set).start()
    assert len(begun) <= count(1).in_flight


def test_waiting_counts_the_time_that_lanes_have_nothing_to_evaluate() -> None:
    def wait(reading: float, evaluating: float) -> float:
        watch = Stopwatch()

        def work(item: int, lanes: Lanes[int, int]) -> int:
            time.sleep(reading)
            with lanes.take():
                time.sleep(evaluating)
            return item

        with Lanes(count(1), work, watch) as running:
            list(running.map(range(10)))
        return watch.seconds()["wait"]

    idle, busy = wait(reading=0.04, evaluating=0.0), wait(reading=0.0, evaluating=0.04)
    assert idle >= 0.1  # two threads read ten times 40 ms
    assert busy < idle / 2  # the next one is always there


class Module(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.fixture
def _cores(_one_thread: None) -> None:
    torch.set_num_threads(6)


def lanes_of(model: object, plan: Plan = PLAN, devices: Iterable[torch.device] = (CPU,), **values: object) -> LaneCount:
    return lane_count(load_model(model), make_settings(**values), plan, tuple(devices))  # type: ignore[arg-type]


@pytest.mark.usefixtures("_cores")
def test_a_module_has_as_many_lanes_as_the_cores_allow() -> None:
    for threads, lanes in ((None, 6), (1, 6), (2, 3), (3, 2), (4, 1), (6, 1), (7, 1)):
        found = lanes_of(Module(), threads=threads)
        assert (len(found.devices), found.threads) == (lanes, threads or 1)
        assert found.readers == 1


@pytest.mark.usefixtures("_cores")
def test_a_function_is_called_by_one_thread_at_a_time() -> None:
    found = lanes_of(lambda x: x)
    assert (len(found.devices), found.threads) == (1, 6)
    assert lanes_of(lambda x: x, threads=2) == LaneCount(devices=(CPU,), threads=2, readers=1)
    assert len(lanes_of(Module().forward, devices=[torch.device("cuda:0")]).devices) == 1


@pytest.mark.usefixtures("_cores")
def test_lanes_are_fewer_where_their_batches_would_not_fit_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = type("Memory", (), {"total": 8 * 2**30})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    small, large = make_plan((512,) * 3, 64), make_plan((512,) * 3, 128)
    assert len(lanes_of(Module(), small).devices) == 6
    assert len(lanes_of(Module(), large).devices) == 1  # 2 GiB a pass, and a quarter of the memory is that
    assert lanes_of(Module(), large).threads == 6
    batches = make_plan((512,) * 3, 64, batch_size=4)
    assert (len(lanes_of(Module(), batches).devices), lanes_of(Module(), batches).threads) == (2, 3)


@given(cores=st.integers(1, 64), gigabytes=st.integers(1, 256), patch=st.integers(1, 400))
def test_all_lanes_fit_a_quarter_of_the_memory_or_there_is_but_one(cores: int, gigabytes: int, patch: int) -> None:
    memory = type("Memory", (), {"total": gigabytes * 2**30})
    with pytest.MonkeyPatch.context() as context:
        context.setattr(psutil, "virtual_memory", lambda: memory)
        context.setattr(torch, "get_num_threads", lambda: cores)
        found = lanes_of(Module(), make_plan((400,) * 3, patch))
    lanes = len(found.devices)
    assert lanes == 1 or lanes * patch**3 * 1024 <= gigabytes * 2**30 / 4
    assert lanes * found.threads <= cores


def test_a_gpu_has_two_lanes_and_more_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "available_cores", lambda: 16)
    gpus = (torch.device("cuda:0"), torch.device("cuda:1"))
    found = lanes_of(Module(), devices=gpus)
    assert sorted(map(str, found.devices)) == ["cuda:0", "cuda:0", "cuda:1", "cuda:1"]
    assert (found.threads, found.readers) == (1, 4)
    monkeypatch.setattr(lanes_module, "available_cores", lambda: 1)
    assert lanes_of(Module(), devices=gpus).readers == 1


def test_an_adapter_that_does_not_say_is_not_called_by_several_threads() -> None:
    class Foreign:
        spec = as_model(local_network(2), 2).spec

        def to(self, device: torch.device) -> None: ...

        def __call__(self, batch: torch.Tensor) -> torch.Tensor:
            return batch

    assert len(lanes_of(Foreign()).devices) == 1


def test_an_error_ends_a_run_that_is_paused() -> None:
    control = Control()

    def network(x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.01)
        return x

    def on_event(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 3:
            control.pause()
            raise KeyboardInterrupt("from outside")

    with pytest.raises(KeyboardInterrupt, match="from outside"):
        segment(image((64, 64)), network, patch_size=8, device="cpu", control=control, on_event=on_event)
