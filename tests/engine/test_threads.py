"""Torch's threads: set for one thread, as they were for all others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TypeVar
from unittest.mock import Mock

import numpy as np
import psutil
import pytest
import torch
from tests.engine.networks import image, local_network

from napari_seamless import segment
from napari_seamless.engine import prepare
from napari_seamless.engine.threads import available_cores, limit_threads, single_threaded, threads_per_pass
from napari_seamless.errors import ModelError
from napari_seamless.recipe import make_settings

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _three_threads(_one_thread: None) -> Iterator[None]:
    torch.set_num_threads(3)
    yield
    assert torch.get_num_threads() == in_a_new_thread(torch.get_num_threads) == 3


def in_a_new_thread(call: Callable[[], T]) -> T:
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    return results[0]


def test_a_limit_holds_for_the_calling_thread_alone() -> None:
    begun, limited = threading.Event(), threading.Event()
    others: list[int] = []

    def other() -> None:
        others.append(torch.get_num_threads())
        begun.set()
        limited.wait(60)
        others.append(torch.get_num_threads())

    def limit() -> tuple[int, int]:
        limit_threads(2)
        return torch.get_num_threads(), in_a_new_thread(torch.get_num_threads)

    bystander = threading.Thread(target=other)
    bystander.start()
    assert begun.wait(60)
    assert in_a_new_thread(limit) == (2, 3)
    limited.set()
    bystander.join()
    assert others == [3, 3]
    assert torch.get_num_threads() == 3


def test_many_threads_that_limit_themselves_at_once_leave_the_default() -> None:
    found: list[tuple[int, int]] = []
    gate = threading.Barrier(8)

    def limit(n: int) -> None:
        gate.wait(60)
        for _ in range(20):
            limit_threads(n)
        found.append((n, torch.get_num_threads()))

    threads = [threading.Thread(target=limit, args=(1 + i % 2,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(asked == got for asked, got in found)
    assert in_a_new_thread(torch.get_num_threads) == 3


def test_a_block_of_one_thread_ends_as_it_began() -> None:
    with single_threaded():
        assert torch.get_num_threads() == 1
        assert in_a_new_thread(torch.get_num_threads) == 3
        with single_threaded():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
        assert in_a_new_thread(torch.get_num_threads) == 3
    assert torch.get_num_threads() == 3
    assert in_a_new_thread(torch.get_num_threads) == 3


def test_an_error_ends_the_block_too() -> None:
    with pytest.raises(ValueError, match="inside"), single_threaded():
        raise ValueError("inside")
    assert torch.get_num_threads() == 3


def test_a_run_leaves_the_callers_threads_and_the_default() -> None:
    segment(image((16, 16)), local_network(2), patch_size=8, device="cpu")
    assert torch.get_num_threads() == in_a_new_thread(torch.get_num_threads) == 3
    with pytest.raises(ModelError):
        segment(image((16, 16)), lambda x: x / 0, patch_size=8, device="cpu")
    assert torch.get_num_threads() == in_a_new_thread(torch.get_num_threads) == 3


def test_a_run_in_a_thread_of_few_leaves_the_default() -> None:
    def run() -> int:
        limit_threads(1)
        segment(image((16, 16)), local_network(2), patch_size=8, device="cpu")
        return torch.get_num_threads()

    assert in_a_new_thread(run) == 1
    assert in_a_new_thread(torch.get_num_threads) == 3


def test_two_runs_at_once_leave_the_default() -> None:
    def run() -> None:
        segment(image((32, 32)), local_network(2), patch_size=8, device="cpu")

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.get_num_threads() == 3
    assert in_a_new_thread(torch.get_num_threads) == 3


def test_every_forward_pass_has_the_threads_of_the_settings() -> None:
    seen: set[int] = set()

    class Watched(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.add(torch.get_num_threads())
            return x

    for threads, expected in ((None, 1), (1, 1), (2, 2), (3, 3)):
        seen.clear()
        segment(image((32, 32)), Watched(), patch_size=8, device="cpu", threads=threads)
        assert seen == {expected}
    seen.clear()
    segment(image((32, 32)), Watched().forward, patch_size=8, device="cpu")
    assert seen == {3}  # a function is called by one lane, which has all cores


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_number_of_lanes_changes_no_byte(threads: int, precision: str) -> None:
    volume, network = image((40, 37, 30)), local_network(classes=3)
    options = {
        "patch_size": 16, "device": "cpu", "write": "probabilities", "threads": threads, "precision": precision,
        "chunk_size": 12,
    }  # fmt: skip
    outputs, lanes = set(), set()
    for cores in (1, 2, 4, 5):
        torch.set_num_threads(cores)
        lanes.add(len(prepare(volume, network, make_settings(**options)).lanes.devices))
        outputs.add(np.asarray(segment(volume, network, **options).array).tobytes())
    torch.set_num_threads(3)
    assert len(lanes) > 1
    assert len(outputs) == 1


def test_a_pass_has_one_thread_where_memory_allows_and_all_where_it_holds_but_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.set_num_threads(8)
    memory = Mock()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    memory.total = 64 * 2**30
    assert threads_per_pass(64**3) == 1
    assert threads_per_pass(1) == 1
    assert threads_per_pass(256**3) == 8  # 16 GiB a pass, and a quarter of the memory is that
    assert threads_per_pass(1024**3) == 8
    counts = [threads_per_pass(2**n) for n in range(10, 40)]
    assert counts == sorted(counts)
    torch.set_num_threads(3)


def test_cores_are_those_that_this_process_may_use() -> None:
    import os

    assert 1 <= available_cores() <= (os.cpu_count() or 1)
    if hasattr(os, "sched_setaffinity"):
        before = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {min(before)})
            assert available_cores() == 1
        finally:
            os.sched_setaffinity(0, before)
