"""VTP: VTK's polygons as XML, with the arrays appended as they lie in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import numpy as np

from napari_seamless.mesh.export.part import (
    GREY,
    as_part,
    has_colors,
    needs_double,
    value_names,
    values_of,
    vertex_normals,
)
from napari_seamless.mesh.export.units import unit_text
from napari_seamless.mesh.export.words import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_seamless.types.surface import Surface

Array = np.ndarray[Any, Any]

_TYPES = {"f4": "Float32", "f8": "Float64", "u1": "UInt8", "i4": "Int32", "i8": "Int64"}
_NORMALS, _COLORS = "Normals", "RGBA"


@dataclass(frozen=True, slots=True)
class _Column:
    """One array of the file, made surface by surface."""

    name: str
    dtype: str
    width: int
    rows: int
    pieces: Callable[[], Iterator[Array]]

    @property
    def size(self) -> int:
        return self.rows * self.width * np.dtype(self.dtype).itemsize


def write_vtp(file: IO[bytes], surfaces: Sequence[Surface], *, normals: bool) -> None:
    """Write points with normals, colours (RGBA) and values, triangles with labels, names and unit as fields."""
    parts = {
        "PointData": _point_data(surfaces, normals=normals),
        "CellData": [_labels(surfaces)],
        "Points": [_positions(surfaces)],
        "Polys": _polygons(surfaces),
    }
    file.write(_head(surfaces, parts).encode())
    for column in (column for columns in parts.values() for column in columns):
        file.write(np.uint64(column.size).tobytes())
        for piece in column.pieces():
            file.write(np.ascontiguousarray(piece, f"<{column.dtype}").tobytes())
    file.write(b"\n</AppendedData>\n</VTKFile>\n")


def _head(surfaces: Sequence[Surface], parts: dict[str, list[_Column]]) -> str:
    vertices, triangles = parts["Points"][0].rows, parts["CellData"][0].rows
    lines = [
        '<?xml version="1.0"?>',
        '<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64">',
        "<PolyData>",
        *_field_data(surfaces),
        f'<Piece NumberOfPoints="{vertices}" NumberOfPolys="{triangles}">',
    ]
    offset = 0
    for element, columns in parts.items():
        lines.append(f"<{element}{_active(columns)}>")
        for column in columns:
            lines.append(
                f'<DataArray type="{_TYPES[column.dtype]}" Name={quoteattr(column.name)} '
                f'NumberOfComponents="{column.width}" format="appended" offset="{offset}"/>'
            )
            offset += 8 + column.size
        lines.append(f"</{element}>")
    return "\n".join([*lines, "</Piece>", "</PolyData>", '<AppendedData encoding="raw">', "_"])


def _active(columns: list[_Column]) -> str:
    names = {column.name for column in columns}
    normals = f' Normals="{_NORMALS}"' if _NORMALS in names else ""
    return normals + (f' Scalars="{_COLORS}"' if _COLORS in names else "")


def _field_data(surfaces: Sequence[Surface]) -> list[str]:
    labels = " ".join(str(surface.label) for surface in surfaces)
    return [
        "<FieldData>",
        _strings("units", [unit_text(surfaces[0].units)]),
        f'<DataArray type="Int64" Name="labels" NumberOfTuples="{len(surfaces)}" format="ascii">{labels}</DataArray>',
        _strings("names", [one_line(surface.name) for surface in surfaces]),
        "</FieldData>",
    ]


def _strings(name: str, texts: list[str]) -> str:
    """Return an array of texts, each as the codes of its bytes and a zero."""
    codes = " ".join(" ".join(map(str, text.encode() + b"\0")) for text in texts)
    return f'<Array type="String" Name="{name}" NumberOfTuples="{len(texts)}" format="ascii">{codes}</Array>'


def _point_data(surfaces: Sequence[Surface], *, normals: bool) -> list[_Column]:
    n = _vertices(surfaces)
    columns = []
    if normals:
        columns.append(_Column(_NORMALS, "f4", 3, n, lambda: (vertex_normals(as_part(s)) for s in surfaces)))
    if has_colors(surfaces):
        columns.append(
            _Column(_COLORS, "u1", 4, n, lambda: (np.tile(s.color or GREY, (len(s.vertices), 1)) for s in surfaces))
        )
    return columns + [_value(surfaces, name, n) for name in value_names(surfaces)]


def _value(surfaces: Sequence[Surface], name: str, n: int) -> _Column:
    return _Column(one_line(name), "f4", 1, n, lambda: (values_of(s, name) for s in surfaces))


def _positions(surfaces: Sequence[Surface]) -> _Column:
    dtype = "f8" if needs_double(surfaces) else "f4"
    return _Column("Points", dtype, 3, _vertices(surfaces), lambda: (as_part(s).positions for s in surfaces))


def _labels(surfaces: Sequence[Surface]) -> _Column:
    return _Column(
        "label", "i4", 1, _triangles(surfaces), lambda: (np.full(len(s.triangles), s.label, np.int64) for s in surfaces)
    )


def _polygons(surfaces: Sequence[Surface]) -> list[_Column]:
    n = _triangles(surfaces)
    return [
        _Column("connectivity", "i8", 1, 3 * n, lambda: _corners(surfaces)),
        _Column("offsets", "i8", 1, n, lambda: iter([np.arange(3, 3 * n + 1, 3)])),
    ]


def _corners(surfaces: Sequence[Surface]) -> Iterator[Array]:
    first = 0
    for surface in surfaces:
        yield as_part(surface).triangles.astype(np.int64) + first
        first += len(surface.vertices)


def _vertices(surfaces: Sequence[Surface]) -> int:
    return sum(len(surface.vertices) for surface in surfaces)


def _triangles(surfaces: Sequence[Surface]) -> int:
    return sum(len(surface.triangles) for surface in surfaces)
