"""Instances, as JSON-able values and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.cli.wording import aligned, byte_size, duration, times

if TYPE_CHECKING:
    from napari_seamless.engine.instances import WrittenInstances


def as_values(written: WrittenInstances) -> dict[str, Any]:
    """Return finished instances as JSON-able values."""
    volume = written.volume
    return {
        "output": written.path,
        "shape": list(volume.shape),
        "dtype": str(volume.dtype),
        "instances": written.count,
        "dropped": written.dropped,
        "seconds": round(written.seconds, 6),
        "peak_memory_bytes": written.peak_memory_bytes,
        "warnings": list(written.warnings),
    }


def summary(written: WrittenInstances) -> str:
    """Return finished instances as a few lines for people."""
    volume = written.volume
    dropped = f", {written.dropped} smaller ones dropped" if written.dropped else ""
    rows = {
        "instances": f"{written.count}{dropped}",
        "labels": f"{times(volume.shape)} voxels, {volume.dtype}",
        "pyramid": f"{len(volume.levels)} level{'s' if len(volume.levels) > 1 else ''}",
        "time": duration(written.seconds),
        "peak memory": byte_size(written.peak_memory_bytes),
    }
    return f"{written.path}\n{aligned(rows)}"
