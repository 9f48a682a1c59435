"""A distance map, as JSON-able values and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.cli.wording import aligned, byte_size, duration, times

if TYPE_CHECKING:
    from napari_seamless.engine.distance import WrittenDistances


def as_values(written: WrittenDistances) -> dict[str, Any]:
    """Return a finished map as JSON-able values."""
    volume = written.volume
    return {
        "output": written.path,
        "shape": list(volume.shape),
        "classes": list(written.classes),
        "spacing": list(volume.spacing),
        "units": list(volume.units),
        "seconds": round(written.seconds, 6),
        "peak_memory_bytes": written.peak_memory_bytes,
        "warnings": list(written.warnings),
    }


def summary(written: WrittenDistances) -> str:
    """Return a finished map as a few lines for people."""
    volume = written.volume
    units = sorted({unit or "unit unknown" for unit in volume.units})
    rows = {
        "distances": f"{times(volume.spatial_shape)} voxels, in {' and '.join(units)}",
        "pyramid": f"{len(volume.levels)} level{'s' if len(volume.levels) > 1 else ''}",
        "labels": ", ".join(map(str, written.classes)),
        "time": duration(written.seconds),
        "peak memory": byte_size(written.peak_memory_bytes),
    }
    return f"{written.path}\n{aligned(rows)}"
