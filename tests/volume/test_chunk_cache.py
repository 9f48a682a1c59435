"""Decoded chunks: once each, within the bytes, whoever asks."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_seamless.errors import VolumeError
from napari_seamless.volume.chunk_cache import ChunkCache


class Loader:
    """Make chunks of 8 bytes that hold their index, counting."""

    def __init__(self, seconds=0.0):
        self.seconds, self.count, self.lock = seconds, Counter(), threading.Lock()

    def __call__(self, index):
        with self.lock:
            self.count[index] += 1
        time.sleep(self.seconds)
        return np.full(1, index[0], np.int64)


def read(cache, *indices):
    return {index[0]: int(chunk[0]) for index, chunk in cache.chunks([(i,) for i in indices])}


def test_the_chunk_used_longest_ago_leaves():
    load = Loader()
    cache = ChunkCache(load, budget_bytes=24)
    for i in (0, 1, 2, 0, 3, 0, 2, 1):
        assert read(cache, i) == {i: i}
        assert cache.n_bytes <= 24
    assert load.count == {(0,): 1, (1,): 2, (2,): 1, (3,): 1}


def test_what_is_larger_than_the_budget_is_not_kept():
    cache = ChunkCache(Loader(), budget_bytes=7)
    assert read(cache, 1, 2) == {1: 1, 2: 2}
    assert cache.n_bytes == 0


def test_chunks_are_read_only():
    ((_, chunk),) = ChunkCache(Loader(), 8).chunks([(1,)])
    with pytest.raises(ValueError, match="read-only"):
        chunk[0] = 2


def test_threads_load_each_chunk_once_and_share_the_work():
    load = Loader(seconds=0.05)
    cache = ChunkCache(load, budget_bytes=8 * 16)
    start = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: read(cache, *range(8)), range(4)))
    seconds = time.perf_counter() - start
    assert results == [{i: i for i in range(8)}] * 4
    assert set(load.count.values()) == {1}
    assert len(load.count) == 8
    assert seconds < 0.05 * 8 * 0.9  # one thread alone needs all eight times


def test_a_failure_is_seen_by_those_who_asked_for_that_chunk_and_leaves_nothing_behind():
    begun, go_on = threading.Event(), threading.Event()
    fails = [True]

    def load(index):
        if index == (1,) and fails[0]:
            begun.set()
            go_on.wait(5)
            fails[0] = False
            raise VolumeError("damaged")
        return np.full(1, index[0])

    cache = ChunkCache(load, budget_bytes=100)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(read, cache, 1)
        begun.wait(5)
        second = pool.submit(read, cache, 0, 1, 2)
        time.sleep(0.05)
        go_on.set()
        with pytest.raises(VolumeError, match="damaged"):
            first.result(5)
        assert second.result(5) == {0: 0, 1: 1, 2: 2}
