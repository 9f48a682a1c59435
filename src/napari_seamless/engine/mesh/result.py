"""What comes out: measured surfaces, and a written file's table of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.mesh import Measures
    from napari_seamless.types import Surface


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredSurface:
    """A finished surface and what was measured of it.

    Parameters
    ----------
    surface : Surface
        The surface.
    measures : Measures
        Triangles, area, volume and so on.
    """

    surface: Surface
    measures: Measures


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshRow:
    """One surface in the table of a file.

    Parameters
    ----------
    label, name : int and str
        Whose surface it is.
    error : float
        Largest distance by which simplification moved it, in the unit of the volume.
    measures : Measures
        Triangles, area, volume and so on.
    """

    label: int
    name: str
    error: float
    measures: Measures

    @classmethod
    def of(cls, made: MeasuredSurface) -> MeshRow:
        """Return the row of a surface."""
        surface = made.surface
        return cls(label=surface.label, name=surface.name, error=surface.error, measures=made.measures)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenMeshes:
    """Meshes that are stored.

    Parameters
    ----------
    path : str
        The file, or the folder of one file each.
    rows : tuple of MeshRow
        The surfaces in rising order of their labels.
    unit : str or None
        Unit of lengths, None where it is unknown or differs between axes.
    voxels : int
        Voxels that were read.
    seconds : mapping of str to float
        Wall time: "faces", "surfaces", and "total" with files.
    peak_memory_bytes : int
        Largest resident memory of the process so far.
    warnings : tuple of str
        What a person should know.
    """

    path: str
    rows: tuple[MeshRow, ...]
    unit: str | None
    voxels: int
    seconds: Mapping[str, float]
    peak_memory_bytes: int
    warnings: tuple[str, ...]
