"""Meshes, as JSON-able values and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_seamless.cli.wording import aligned, byte_size, duration

if TYPE_CHECKING:
    from napari_seamless.engine.mesh import MeshRow, WrittenMeshes

_MOST_LINES = 12


def as_values(written: WrittenMeshes) -> dict[str, Any]:
    """Return finished meshes as JSON-able values."""
    return {
        "output": written.path,
        "unit": written.unit,
        "surfaces": [_row(row) for row in written.rows],
        "voxels": written.voxels,
        "seconds": {name: round(value, 6) for name, value in written.seconds.items()},
        "peak_memory_bytes": written.peak_memory_bytes,
        "warnings": list(written.warnings),
    }


def summary(written: WrittenMeshes) -> str:
    """Return finished meshes as a few lines for people."""
    unit = written.unit or "unit"
    rows = written.rows
    triangles = sum(row.measures.triangles for row in rows)
    open_ = sum(not row.measures.watertight for row in rows)
    found = {
        "surfaces": f"{len(rows):,}{f', {open_:,} of them not watertight' if open_ else ', all watertight'}",
        "triangles": f"{triangles:,}",
        "error": f"at most {max(row.error for row in rows):.3g} {unit}",
        "time": duration(written.seconds["total"]),
        "peak memory": byte_size(written.peak_memory_bytes),
    }
    table = [f"{'label':>8}  {'triangles':>10}  {f'area ({unit}^2)':>24}  {f'volume ({unit}^3)':>24}  name"]
    table += [_line(row) for row in rows[:_MOST_LINES]]
    more = [f"... and {len(rows) - _MOST_LINES:,} more (--json lists all)"] if len(rows) > _MOST_LINES else []
    return "\n".join((written.path, aligned(found), "", *table, *more))


def _line(row: MeshRow) -> str:
    measures = row.measures
    return f"{row.label:>8}  {measures.triangles:>10,}  {measures.area:>24,.6g}  {measures.volume:>24,.6g}  {row.name}"


def _row(row: MeshRow) -> dict[str, Any]:
    measures = row.measures
    return {
        "label": row.label,
        "name": row.name,
        "triangles": measures.triangles,
        "vertices": measures.vertices,
        "area": measures.area,
        "volume": measures.volume,
        "components": measures.components,
        "euler": measures.euler,
        "watertight": measures.watertight,
        "error": row.error,
        "bounds": [list(map(float, end)) for end in measures.bounds],
        "centroid": list(map(float, measures.centroid)),
    }
