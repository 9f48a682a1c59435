"""A volume in memory as an OME-Zarr 0.5 of one level, so that a command line can name it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_seamless.types import Volume

_CHUNK = 64


def save_volume(volume: Volume, path: Path) -> None:
    """Write the finest level of a volume with its spacing, translation, units and label names.

    Parameters
    ----------
    volume : Volume
        Spatial axes only; it must fit in memory.
    path : pathlib.Path
        Folder of the group; it must not exist.

    Raises
    ------
    StorageError
        The folder cannot be written.
    """
    import zarr

    try:
        group = zarr.create_group(path, zarr_format=3)
        array = group.create_array(
            "0",
            shape=volume.shape,
            dtype=volume.dtype,
            chunks=tuple(min(n, _CHUNK) for n in volume.shape),
            dimension_names=volume.axes,
            # a chunk that is absent could be empty or lost: no reader should have to wonder
            config={"write_empty_chunks": True},
        )
        array[...] = np.asarray(volume.data[...])
        group.attrs.update({"ome": _metadata(volume)})
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}); free disk space or choose another output folder."
        ) from error


def _metadata(volume: Volume) -> dict[str, Any]:
    axes = [
        {"name": axis, "type": "space"} | ({"unit": unit} if unit else {})
        for axis, unit in zip(volume.axes, volume.units, strict=True)
    ]
    placed = [
        {"type": "scale", "scale": list(volume.spacing)},
        {"type": "translation", "translation": list(volume.translation)},
    ]
    datasets = [{"path": "0", "coordinateTransformations": placed}]
    ome: dict[str, Any] = {
        "version": "0.5",
        "multiscales": [{"name": volume.name, "axes": axes, "datasets": datasets}],
    }
    if volume.is_labels:
        names = [{"label-value": value, "name": name} for value, name in volume.label_names.items()]
        ome["image-label"] = {"properties": names}
    return ome
