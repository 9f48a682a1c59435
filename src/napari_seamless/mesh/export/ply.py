"""Binary PLY: everything that is known about a vertex as a property."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.export.part import (
    GREY,
    as_part,
    has_colors,
    needs_double,
    rows,
    value_names,
    values_of,
    vertex_normals,
)
from napari_seamless.mesh.export.units import unit_text
from napari_seamless.mesh.export.words import one_line, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types.surface import Surface

Array = np.ndarray[Any, Any]

_NORMAL = ("nx", "ny", "nz")
_COLOR = ("red", "green", "blue", "alpha")
_TAKEN = ("x", "y", "z", *_NORMAL, *_COLOR, "label")
_WORDS = {"f4": "float", "f8": "double", "u1": "uchar", "i4": "int"}
_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])


def write_ply(file: IO[bytes], surfaces: Sequence[Surface], *, normals: bool) -> None:
    """Write vertices with normals, colours, values and labels, then triangles; names and the unit are comments.

    Raises
    ------
    SettingsError
        There are more vertices than the format can count.
    """
    vertices = sum(len(surface.vertices) for surface in surfaces)
    if vertices > np.iinfo(np.int32).max:
        raise SettingsError(f"surfaces has {vertices} vertices, more than a PLY file can count; use .vtp.")
    names = tokens(value_names(surfaces), _TAKEN)
    layout = _layout(surfaces, list(names.values()), normals=normals)
    file.write(_header(surfaces, layout))
    for surface in surfaces:
        _write_vertices(file, surface, names, layout)
    first = 0
    for surface in surfaces:
        _write_faces(file, surface, first)
        first += len(surface.vertices)


def _layout(surfaces: Sequence[Surface], values: list[str], *, normals: bool) -> np.dtype[Any]:
    position = "<f8" if needs_double(surfaces) else "<f4"
    fields = [(axis, position) for axis in "xyz"]
    fields += [(name, "<f4") for name in _NORMAL] if normals else []
    fields += [(name, "u1") for name in _COLOR] if has_colors(surfaces) else []
    fields += [(name, "<f4") for name in values]
    return np.dtype([*fields, ("label", "<i4")])


def _header(surfaces: Sequence[Surface], layout: np.dtype[Any]) -> bytes:
    kinds = {name: _WORDS[layout[name].str.lstrip("<|")] for name in layout.names or ()}
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment unit {unit_text(surfaces[0].units)}",
        *(f"comment label {surface.label} {one_line(surface.name)}".rstrip() for surface in surfaces),
        f"element vertex {sum(len(surface.vertices) for surface in surfaces)}",
        *(f"property {kind} {name}" for name, kind in kinds.items()),
        f"element face {sum(len(surface.triangles) for surface in surfaces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    return ("\n".join(lines) + "\n").encode("ascii", "replace")


def _write_vertices(file: IO[bytes], surface: Surface, names: dict[str, str], layout: np.dtype[Any]) -> None:
    part = as_part(surface)
    columns = dict(zip("xyz", part.positions.T, strict=True))
    if "nx" in layout.fields:  # type: ignore[operator]
        columns |= dict(zip(_NORMAL, vertex_normals(part).T, strict=True))
    columns |= {word: values_of(surface, name) for name, word in names.items()}
    for some in rows(len(part.positions)):
        data = np.empty(some.stop - some.start, layout)
        data["label"] = surface.label
        for name, column in columns.items():
            data[name] = column[some]
        if "red" in layout.fields:  # type: ignore[operator]
            for name, level in zip(_COLOR, surface.color or GREY, strict=True):
                data[name] = level
        file.write(data.tobytes())


def _write_faces(file: IO[bytes], surface: Surface, first: int) -> None:
    triangles = as_part(surface).triangles
    for some in rows(len(triangles)):
        data = np.empty(some.stop - some.start, _FACE)
        data["count"] = 3
        data["corners"] = triangles[some] + np.int64(first)
        file.write(data.tobytes())
