"""Binary STL: triangles alone."""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.export.part import as_part, rows
from napari_seamless.mesh.export.units import unit_text
from napari_seamless.mesh.export.words import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types.surface import Surface

Array = np.ndarray[Any, Any]

_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_HEADER = 80


def write_stl(file: IO[bytes], surfaces: Sequence[Surface], *, normals: bool) -> None:
    """Write one solid. STL has float32 positions, no shared vertices, no labels and no colours.

    Raises
    ------
    SettingsError
        There are more triangles than the format can count.
    """
    n = sum(len(surface.triangles) for surface in surfaces)
    if n > np.iinfo(np.uint32).max:
        raise SettingsError(f"surfaces has {n} triangles, more than an STL file can count; use .ply or .vtp.")
    names = ", ".join(one_line(surface.name) for surface in surfaces[:8])
    header = f"binary STL, unit {unit_text(surfaces[0].units)}, {names}".encode("ascii", "replace")
    file.write(header[:_HEADER].ljust(_HEADER) + struct.pack("<I", n))
    for surface in surfaces:
        part = as_part(surface)
        for some in rows(len(part.triangles)):
            file.write(_triangles(part.positions[part.triangles[some]], normals=normals))


def _triangles(corners: Array, *, normals: bool) -> bytes:
    data = np.zeros(len(corners), _TRIANGLE)
    data["corners"] = corners
    if normals:
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        length = np.sqrt((cross**2).sum(axis=1))
        length[length == 0] = 1
        data["normal"] = cross / length[:, None]
    return data.tobytes()
