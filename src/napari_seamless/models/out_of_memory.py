"""Tell an error for want of memory from any other."""

from __future__ import annotations

import torch

_PHRASES = (
    "out of memory",  # CUDA and MPS
    "can't allocate memory",  # torch's allocator on Linux and macOS
    "not enough memory",  # the same on Windows
    "alloc_failed",  # cuBLAS and cuDNN
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out; on the CPU torch tells it only by the text of a RuntimeError.

    Examples
    --------
    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _PHRASES)
