"""Out of memory: halves, remembers, tries once more alone, and says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from napari_seamless.engine.in_parts import InParts
from napari_seamless.errors import ModelError

CPU = torch.device("cpu")

ERRORS = {
    "torch": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "python": MemoryError,
    "allocator": lambda: RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
    "windows": lambda: RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
}


class Small:
    """Double each voxel, but refuse more patches at once than fit."""

    def __init__(self, fits: int, error: Callable[[], Exception] = MemoryError) -> None:
        self.fits = fits
        self.sizes: list[int] = []
        self.error = error

    def __call__(self, part: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(part))
        if len(part) > self.fits:
            raise self.error()
        return 2 * part


def parts(batch_size: int, warnings: list[str]) -> InParts:
    return InParts(batch_size, CPU, "small", warnings.append)


@pytest.mark.parametrize("kind", ERRORS)
def test_a_batch_that_does_not_fit_is_halved_until_it_does(kind: str) -> None:
    warnings: list[str] = []
    network, in_parts, voxels = Small(2, ERRORS[kind]), parts(8, warnings), torch.rand(8, 1, 3, 3)
    assert torch.equal(in_parts(voxels, network), 2 * voxels)
    assert network.sizes == [8, 4, 2, 2, 2, 2]
    assert [text[:57] for text in warnings] == [
        "Memory on cpu ran out with 8 patches at once; the run wen",
        "Memory on cpu ran out with 4 patches at once; the run wen",
    ]
    assert "batches of 2, and results may differ by the network's rounding." in warnings[1]


def test_the_smaller_size_is_remembered_for_later_batches() -> None:
    warnings: list[str] = []
    network, in_parts = Small(2), parts(4, warnings)
    for _ in range(3):
        in_parts(torch.rand(4, 1, 2), network)
    assert network.sizes == [4, 2, 2, 2, 2, 2, 2]
    assert len(warnings) == 1


@pytest.mark.parametrize("batch", [1, 3, 5, 7])
def test_every_patch_of_an_odd_batch_is_evaluated_once(batch: int) -> None:
    voxels = torch.rand(batch, 1, 4)
    assert torch.equal(parts(7, [])(voxels, Small(2)), 2 * voxels)


def test_a_single_patch_that_never_fits_is_a_sentence() -> None:
    network = Small(0)
    with pytest.raises(
        ModelError,
        match=r"^The network small finds no memory on cpu for a single patch \(6, 5\); try smaller patches.*\.$",
    ) as caught:
        parts(4, [])(torch.rand(4, 1, 6, 5), network)
    assert network.sizes == [4, 2, 1, 1]
    assert "\n" not in str(caught.value)


def test_other_errors_are_neither_repeated_nor_renamed() -> None:
    network = Small(1, lambda: RuntimeError("the kernel is larger than the input"))
    with pytest.raises(RuntimeError, match="kernel is larger"):
        parts(2, [])(torch.rand(2, 1, 4), network)
    assert network.sizes == [2]


def test_a_patch_that_fails_beside_another_is_tried_again_alone() -> None:
    warnings: list[str] = []
    in_parts = parts(1, warnings)
    lock, inside, calls = threading.Lock(), [0], [0]
    both_inside = threading.Barrier(2, timeout=10)

    def crowded(part: torch.Tensor) -> torch.Tensor:
        """Have memory for one patch at a time only."""
        with lock:
            calls[0] += 1
            inside[0] += 1
            first_round = calls[0] <= 2
        if first_round:
            both_inside.wait()
        with lock:
            crowd = inside[0]
        if first_round:
            both_inside.wait()
        with lock:
            inside[0] -= 1
        if crowd > 1:
            raise MemoryError
        return 2 * part

    voxels = [torch.rand(1, 1, 4), torch.rand(1, 1, 4)]
    with ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(lambda one: in_parts(one, crowded), voxels))
    assert calls == [4]
    for one, output in zip(voxels, outputs, strict=True):
        assert torch.equal(output, 2 * one)
    assert warnings == ["Memory on cpu ran out for patches side by side; some were evaluated one by one."]


def test_threads_that_fail_together_halve_once() -> None:
    warnings: list[str] = []
    in_parts, together = parts(4, warnings), threading.Barrier(3, timeout=10)

    def network(part: torch.Tensor) -> torch.Tensor:
        if len(part) > 2:
            together.wait()
            raise MemoryError
        return 2 * part

    voxels = [torch.rand(4, 1, 4) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        outputs = list(pool.map(lambda one: in_parts(one, network), voxels))
    for one, output in zip(voxels, outputs, strict=True):
        assert torch.equal(output, 2 * one)
    assert in_parts.batch_size == 2
    assert len(warnings) == 1
