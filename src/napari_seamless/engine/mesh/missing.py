"""What a person is told where surfaces are missing, or are of something that is no label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import VolumeError

if TYPE_CHECKING:
    from napari_seamless.engine.mesh.source import Source

Array = np.ndarray[Any, Any]

_MANY_VALUES = 64
"""Values of 8 bits from which on an image is more likely than labels."""


def warnings_about(source: Source, labels: Array) -> list[str]:
    """Return sentences about what has no surface.

    Parameters
    ----------
    source : Source
        What surfaces are made of.
    labels : numpy.ndarray
        (label,) labels or channels that have one, in rising order.

    Raises
    ------
    VolumeError
        There is none.
    """
    return _about_labels(source, labels) if source.kind == "labels" else _about_field(source, labels)


def _about_field(source: Source, labels: Array) -> list[str]:
    where = "below" if source.kind == "distance" else "above"
    if len(labels) == 0:
        scaled = source.volume.dtype.kind in "ui" and source.kind == "probabilities"
        hint = f"; values are divided by {np.iinfo(source.volume.dtype).max} to lie in 0..1" if scaled else ""
        raise VolumeError(
            f"Nothing of {source.volume.name} lies {where} the level {source.level:g}, so there is no surface{hint}; "
            "choose another level or region."
        )
    missing = [channel for channel in source.chosen or () if channel not in labels]
    return [f"Nothing of the channels {missing} lies {where} the level {source.level:g}."] if missing else []


def _about_labels(source: Source, labels: Array) -> list[str]:
    name, chosen = source.volume.name, source.chosen
    if len(labels) == 0 and chosen is None:
        raise VolumeError(f"{name} has no label but 0 here, so there is no surface; choose another volume or region.")
    missing = sorted(set(chosen or ()) - set(labels.tolist()))
    if len(labels) == 0:
        raise VolumeError(
            f"No voxel of {name} has the label {_listed(missing)}; choose others, or leave them out to mesh all."
        )
    found = [f"No voxel has the label {_listed(missing)}; it has no surface."] if missing else []
    if not source.volume.is_labels and source.volume.dtype.itemsize == 1 and len(labels) >= _MANY_VALUES:
        found.append(
            f"{name} has {len(labels)} values in 8 bits, as an image has rather than labels; for the surface of an "
            'image choose the kind "probabilities" and a level.'
        )
    return found


def _listed(values: list[int], most: int = 10) -> str:
    return ", ".join(map(str, values[:most])) + (f" and {len(values) - most} others" if len(values) > most else "")
