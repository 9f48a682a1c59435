"""Which layers show a distance map: those made here, and those of a saved map that was opened by other means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zarr

from napari_seamless._napari.distance_layers import MARK, DistanceMark
from napari_seamless.errors import VolumeError
from napari_seamless.sinks import METADATA_KEY
from napari_seamless.types import Volume
from napari_seamless.volume import open_volume


def mark_of(layer: Any) -> DistanceMark | None:
    """Return what a layer's values say; None where they are no distances.

    A layer that another reader made from a saved map is recognised by its path and, among several, by its name.
    What is found is kept in the layer's metadata; only metadata is read.
    """
    if MARK in layer.metadata:
        found: DistanceMark | None = layer.metadata[MARK]
        return found
    path = getattr(getattr(layer, "source", None), "path", None)
    if path is None or not hasattr(layer, "contrast_limits"):
        return None
    layer.metadata[MARK] = mark = _named(saved_marks(str(path)), layer)
    return mark


def saved_marks(path: str) -> tuple[DistanceMark, ...]:
    """Return what the classes of a saved map say; none where the path leads to something else."""
    folder = Path(path)
    if not ((folder / "zarr.json").is_file() or (folder / ".zgroup").is_file()):
        return ()
    try:
        attributes: Any = zarr.open_group(folder, mode="r").attrs
        said = attributes.get(METADATA_KEY, {}).get("distance")
        return () if said is None else _marks(said, open_volume(folder), path)
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        # what is there is no map that this version knows
        return ()


def open_map(path: str) -> tuple[Volume, tuple[DistanceMark, ...]]:
    """Open a saved map.

    Raises
    ------
    VolumeError
        The path leads to no distance map.
    """
    volume = open_volume(path)
    marks = saved_marks(path)
    if not marks:
        raise VolumeError(f"{path} holds no distance map; choose an OME-Zarr that was written as one.")
    return volume, marks


def common_unit(units: Any) -> str | None:
    """Return the unit that all axes share, or None."""
    names = set(units)
    return names.pop() if len(names) == 1 else None


def _marks(said: dict[str, Any], volume: Volume, path: str) -> tuple[DistanceMark, ...]:
    classes = [int(value) for value in said["classes"]]
    names = volume.channels if len(volume.channels) == len(classes) else [f"label {value}" for value in classes]
    unit, limit = common_unit(said["units"]), said.get("max_distance")
    return tuple(
        DistanceMark(name, value, unit, said["convention"], limit, path)
        for name, value in zip(names, classes, strict=True)
    )


def _named(marks: tuple[DistanceMark, ...], layer: Any) -> DistanceMark | None:
    fitting = [mark for mark in marks if layer.name.endswith(mark.name)]
    # of "white" and "off-white" the longer name is meant
    return max(fitting, key=lambda mark: len(mark.name)) if fitting else (marks[0] if len(marks) == 1 else None)
