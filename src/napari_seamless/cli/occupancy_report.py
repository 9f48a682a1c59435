"""A segmentation by coordinates, as JSON-able values and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.cli.wording import aligned, byte_size, duration, times

if TYPE_CHECKING:
    from napari_seamless.engine.occupancy import OccupancySegmentation


def as_values(result: OccupancySegmentation, mesh: tuple[str, ...]) -> dict[str, Any]:
    """Return a finished run as JSON-able values."""
    return {
        "output": result.path,
        "shape": list(result.volume.shape),
        "spacing": list(result.volume.spacing),
        "units": list(result.volume.units),
        "stages": [
            {
                "spacing": stage.spacing,
                "points": stage.points,
                "evaluated": stage.evaluated,
                "inside": stage.inside,
                "seconds": round(stage.seconds, 6),
            }
            for stage in result.stages
        ],
        "parts": result.parts,
        "mesh": list(mesh),
        "seconds": {name: round(value, 6) for name, value in result.timings.items()},
        "peak_memory_bytes": result.peak_memory_bytes,
        "warnings": list(result.warnings),
    }


def summary(result: OccupancySegmentation, mesh: tuple[str, ...]) -> str:
    """Return a finished run as a few lines for people."""
    voxels = result.stages[-1].points
    rows = {
        "occupancy": f"{times(result.volume.spatial_shape)} voxels, {result.stages[-1].inside:,} inside",
        "coordinates": f"{result.evaluated:,}, {result.evaluated / voxels:.0%} of the voxels",
        **{f"spacing {stage.spacing}": _stage(stage) for stage in result.stages},
        "time": duration(result.timings["total"]),
        "peak memory": byte_size(result.peak_memory_bytes),
    }
    return "\n".join((str(result.path), aligned(rows), *mesh))


def _stage(stage: Any) -> str:
    return f"{stage.evaluated:,} evaluated, {stage.inside:,} inside, {duration(stage.seconds)}"
