"""OBJ: text with a name for each surface."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import numpy as np

from napari_seamless.mesh.export.part import as_part, has_colors, needs_double, rows, vertex_normals
from napari_seamless.mesh.export.units import unit_text
from napari_seamless.mesh.export.words import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types.surface import Surface

Array = np.ndarray[Any, Any]

_WHITE = (255, 255, 255, 255)  # what programs take for a vertex without a colour


def write_obj(file: IO[bytes], surfaces: Sequence[Surface], *, normals: bool) -> None:
    """Write an object for each surface, with the colour behind each position; OBJ has no values and no labels."""
    digits = 15 if needs_double(surfaces) else 9
    colored = has_colors(surfaces)
    file.write(f"# unit {unit_text(surfaces[0].units)}\n".encode())
    first = 1
    for surface in surfaces:
        part = as_part(surface)
        file.write(f"o {one_line(surface.name) or surface.label}\n".encode())
        color = "".join(f" {n / 255:.6g}" for n in (surface.color or _WHITE)[:3]) if colored else ""
        _write_rows(file, f"v %.{digits}g %.{digits}g %.{digits}g{color}\n", part.positions)
        if normals:
            _write_rows(file, "vn %.5f %.5f %.5f\n", vertex_normals(part))
        _write_faces(file, part.triangles, first, normals=normals)
        first += len(part.positions)


def _write_faces(file: IO[bytes], triangles: Array, first: int, *, normals: bool) -> None:
    line = "f %d//%d %d//%d %d//%d\n" if normals else "f %d %d %d\n"
    for some in rows(len(triangles)):
        corners = triangles[some] + np.int64(first)
        _write_rows(file, line, np.repeat(corners, 2, axis=1) if normals else corners)


def _write_rows(file: IO[bytes], line: str, table: Array) -> None:
    """Format many rows with one format string, which is several times faster than row by row."""
    for some in rows(len(table)):
        part = table[some]
        file.write((line * len(part) % tuple(part.ravel().tolist())).encode("ascii"))
