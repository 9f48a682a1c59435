"""A distance as a person says it."""

from __future__ import annotations

from napari_seamless._napari.distance_layers import DistanceMark
from napari_seamless._qt import text


def reading(mark: DistanceMark, distance: float) -> str:
    """Say a value of a map.

    Examples
    --------
    >>> white = DistanceMark("white matter", 1, "millimeter", "exact", limit=20.0)
    >>> reading(white, 12.34), reading(white, -3.0), reading(white, 20.0)
    ('12.3 mm outside white matter', '3 mm inside white matter', 'over 20 mm outside white matter')
    >>> reading(DistanceMark("label 2", 2, "micrometer", "published"), -3.0)
    '-3 µm in the published map of label 2'
    """
    if mark.convention == "published":
        # a voxel inside at the border may have a positive value there, so the sign says no side
        return f"{length(distance, mark.unit)} in the published map of {mark.name}"
    if distance == 0:
        return f"{mark.name} has no border to measure to"
    beyond = "over " if mark.limit is not None and abs(distance) >= mark.limit else ""
    side = "outside" if distance > 0 else "inside"
    return f"{beyond}{length(abs(distance), mark.unit)} {side} {mark.name}"


def length(value: float, unit: str | None) -> str:
    """Say a length in three figures; without a unit the word stands for what the spacing counts in.

    Examples
    --------
    >>> length(123.4, "micrometer"), length(0.5, None)
    ('123 µm', '0.5 (no unit)')
    """
    return text.voxel((float(f"{value:.3g}"),), (unit,))
