"""What the tests of the command line share: networks, a store, and what a refusal looks like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import zarr

SHAPE = (24, 20, 28)
CLASSES = ("background", "cell", "gap")


class Bands(torch.nn.Module):
    """Give each voxel the class of its own intensity: below 0.3, up to 0.6, above."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x * 0, x - 0.3, 2 * x - 0.9], 1)


class Halved(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, ::2, ::2, ::2]


class NotANumber(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, x / 0.0 * 0.0], 1)


class OneChannel(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def store(path: Path, data: np.ndarray, chunk: int = 12) -> Path:
    """Write a plain zarr array with as many chunks as fit."""
    array = zarr.create_array(path, shape=data.shape, dtype=data.dtype, chunks=(chunk,) * data.ndim)
    array[...] = data
    return path


def assert_refused(result, *names: str, exit_code: int = 1) -> None:
    """Check for one sentence on standard error that holds the names, nothing on standard output, and the status."""
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert result.exit_code == exit_code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error: ")
    assert lines[0].endswith(".")
    for name in names:
        assert name in lines[0]
