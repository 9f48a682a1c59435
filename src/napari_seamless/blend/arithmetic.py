"""Elementwise arithmetic on patches: NumPy in host memory, torch on a device.

Blending is bound by memory, and its operations are too small for a team of threads: torch would start one for each, and
where readers, writers and the network have theirs already, such teams wait for each other far longer than they work.
Products and sums stay apart: a fused operation rounds differently from one element to the next.
"""

from __future__ import annotations

import numpy as np
import torch


def multiply_into(target: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> None:
    """Set `target` to ``left * right``; float32, broadcast like NumPy.

    Examples
    --------
    >>> target = torch.empty(2)
    >>> multiply_into(target, torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    >>> target
    tensor([3., 8.])
    """
    if target.device.type == "cpu":
        np.multiply(left.numpy(), right.numpy(), out=target.numpy())
    else:
        torch.mul(left, right, out=target)


def add_into(target: torch.Tensor, source: torch.Tensor) -> None:
    """Add `source` to `target` in place; float32, same shape.

    Examples
    --------
    >>> target = torch.ones(2)
    >>> add_into(target, torch.tensor([3.0, 4.0]))
    >>> target
    tensor([4., 5.])
    """
    if target.device.type == "cpu":
        values = target.numpy()
        np.add(values, source.numpy(), out=values)
    else:
        target += source
