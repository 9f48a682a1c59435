"""Errors for want of memory reach the engine as they are, all others as a sentence."""

from __future__ import annotations

import pytest
import torch

from napari_seamless.errors import ModelError
from napari_seamless.models import is_out_of_memory, load_model


def allocate_too_much(batch: torch.Tensor) -> torch.Tensor:
    return torch.empty(10**15, device=batch.device)


def test_what_torch_itself_raises_is_known_and_let_through() -> None:
    with pytest.raises(RuntimeError) as caught:
        load_model(allocate_too_much)(torch.zeros(1, 1, 4))
    assert not isinstance(caught.value, ModelError)
    assert is_out_of_memory(caught.value)


class Large(torch.nn.Module):
    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return batch + torch.empty(1000000000000000)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_a_script_that_runs_out_of_memory_is_known_too() -> None:
    with pytest.raises(RuntimeError) as caught:
        load_model(torch.jit.script(Large()))(torch.zeros(1, 1, 4))
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."), True),
        (RuntimeError("Sizes of tensors must match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_errors_are_told_apart(error: Exception, known: bool) -> None:
    assert is_out_of_memory(error) is known
