"""Stretches of memory that are used again and again."""

from __future__ import annotations

import threading

import torch

_KEPT_BYTES = 2**26


class Buffers:
    """Lend float32 memory, and lend it again when it comes back; safe to use from several threads.

    Chunks come and go by the thousand. New memory for each would be cleared by the system page by page, and what
    allocators keep of the old would grow beyond any budget.

    Parameters
    ----------
    kept_bytes : int
        What may lie here unused; more goes back to the allocator.

    Examples
    --------
    >>> buffers = Buffers()
    >>> first = buffers.take(8, torch.device("cpu"))
    >>> buffers.give(first)
    >>> buffers.take(8, torch.device("cpu")) is first
    True
    """

    def __init__(self, kept_bytes: int = _KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._free: dict[tuple[int, torch.device], list[torch.Tensor]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def take(self, n: int, device: torch.device) -> torch.Tensor:
        """Return `n` float32 numbers, which hold anything."""
        with self._lock:
            free = self._free.get((n, device))
            if free:
                self._bytes -= 4 * n
                return free.pop()
        return torch.empty(n, dtype=torch.float32, device=device)

    def give(self, flat: torch.Tensor) -> None:
        """Take memory back that nobody looks at any more."""
        size = 4 * flat.numel()
        with self._lock:
            if self._bytes + size <= self._kept_bytes:
                self._bytes += size
                self._free.setdefault((flat.numel(), flat.device), []).append(flat)
