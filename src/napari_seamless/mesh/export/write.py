"""One file for all surfaces; its suffix says which kind."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from napari_seamless.errors import SettingsError
from napari_seamless.mesh.export.glb import write_glb
from napari_seamless.mesh.export.obj import write_obj
from napari_seamless.mesh.export.ply import write_ply
from napari_seamless.mesh.export.stl import write_stl
from napari_seamless.mesh.export.vtp import write_vtp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_seamless.types.surface import Surface


class _Writer(Protocol):
    def __call__(self, file: IO[bytes], surfaces: Sequence[Surface], *, normals: bool) -> None: ...


_WRITERS: dict[str, _Writer] = {
    ".glb": write_glb,
    ".obj": write_obj,
    ".ply": write_ply,
    ".stl": write_stl,
    ".vtp": write_vtp,
}
SUFFIXES = tuple(_WRITERS)


def write_surfaces(
    surfaces: Sequence[Surface], path: str | Path, *, normals: bool = True, suffix: str | None = None
) -> None:
    """Write all surfaces to one file, whose suffix says which kind it is.

    Positions are x, y, z in the unit of the surfaces, which the file names where it can, and normals point outward.
    What exists at the path is replaced.

    ====== ====== ========= ======= ====== ======================================
    suffix names  labels    colours values positions
    ====== ====== ========= ======= ====== ======================================
    .glb   yes    yes       yes     yes    float32, relative to each surface
    .obj   yes    in a name yes     no     text
    .ply   yes    yes       yes     yes    float32, float64 far from the origin
    .stl   some   no        no      no     float32
    .vtp   yes    yes       yes     yes    float32, float64 far from the origin
    ====== ====== ========= ======= ====== ======================================

    Parameters
    ----------
    surfaces : sequence of Surface
        At least one; axes z, y, x, the same units for all.
    path : path-like
        The file.
    normals : bool
        Whether vertices (in STL: triangles) have normals.
    suffix : str or None
        The kind of file where the path has another suffix, such as a temporary one.

    Raises
    ------
    SettingsError
        The suffix is unknown, there is no surface, or more of them than the format can count.
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from napari_seamless.types.surface import Surface
    >>> corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    >>> faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)], np.int32)
    >>> path = Path(tempfile.mkdtemp(), "tetrahedron.stl")
    >>> write_surfaces([Surface(vertices=corners, triangles=faces)], path)
    >>> path.stat().st_size
    284
    """
    target = Path(path)
    kind = (target.suffix if suffix is None else suffix).lower()
    if kind not in _WRITERS:
        raise SettingsError(
            f"path ends in {kind!r}, but surfaces are written to {', '.join(SUFFIXES)}; use one of these."
        )
    if not surfaces:
        raise SettingsError("surfaces is empty, but a file needs at least one surface; choose labels that exist.")
    with target.open("wb") as file:
        _WRITERS[kind](file, surfaces, normals=normals)
