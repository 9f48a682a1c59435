"""The mesh of a segmentation as it was published: few triangles at the level of the network, as OBJ and tensors."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.engine.mesh import MeshSettings, make_meshes
from napari_seamless.engine.mesh.write_made import write_made
from napari_seamless.errors import OutputExistsError, SettingsError, StorageError
from napari_seamless.volume import open_volume

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.events import OnEvent
    from napari_seamless.engine.mesh import MeasuredSurface
    from napari_seamless.types import Surface

PUBLISHED_COMPONENT = 12**3
"""Voxels below which a component is dropped."""


def occupancy_meshes(  # noqa: PLR0913  the last ones say how, by name
    labels: Any,
    refine: Callable[[Surface], Surface] | None,
    *,
    least_voxels: float = PUBLISHED_COMPONENT,
    physical: bool = True,
    on_event: OnEvent | None = None,
    control: Control | None = None,
) -> list[MeasuredSurface]:
    """Make the surface of each label: small components dropped, smoothed, and refined.

    Parameters
    ----------
    labels : anything that `open_volume` takes
        What `segment_occupancy` wrote.
    refine : callable or None
        As `occupancy_refinement` returns it.
    least_voxels : float
        Components that enclose less are dropped.
    physical : bool
        Whether vertices are in the unit of the volume, with its translation, or voxel indices.
    on_event, control
        As in `make_meshes`.

    Returns
    -------
    list of MeasuredSurface
        In rising order of labels; measures are in the unit of the volume.

    Raises
    ------
    VolumeError
        There is no surface.
    """
    volume = open_volume(labels)
    named: dict[str, Any] = {} if on_event is None else {"on_event": on_event}
    settings = MeshSettings(min_volume=least_voxels * math.prod(volume.spacing))
    made = make_meshes(volume, settings, refine=refine, control=control, **named)
    if physical:
        return made
    spacing, first = np.asarray(volume.spacing), np.asarray(volume.translation)
    return [_replaced(one, (one.surface.vertices - first) / spacing) for one in made]


def write_occupancy_mesh(
    made: list[MeasuredSurface], output: str | os.PathLike[str], *, tensors: bool = False, overwrite: bool = False
) -> tuple[str, ...]:
    """Write surfaces to a file, and the first one's tensors beside it, as published.

    Parameters
    ----------
    made : list of MeasuredSurface
        At least one.
    output : path
        Such as ``liver.obj``; the suffix says what is written.
    tensors : bool
        Whether to write ``liver_vertices.pt``, (vertex, 3) float32 positions (z, y, x), and ``liver_faces.pt``,
        (triangle, 3) int64, too.
    overwrite : bool
        Replace what is there.

    Returns
    -------
    tuple of str
        The files.

    Raises
    ------
    SettingsError
        Tensors are asked for and there are several surfaces.
    OutputExistsError, StorageError
        A file is there, or cannot be written.
    """
    path = Path(output)
    if tensors and len(made) != 1:
        raise SettingsError(f"Tensors hold one surface, and there are {len(made)}; write them without tensors.")
    files = [path.with_name(f"{path.stem}_{name}.pt") for name in ("vertices", "faces")] if tensors else []
    taken = [str(file) for file in files if file.exists()]
    if taken and not overwrite:
        raise OutputExistsError(f"The output {taken[0]} exists already; choose another path, or overwrite it.")
    written = write_made(made, path, overwrite=overwrite)
    if tensors:
        surface = made[0].surface
        values = (surface.vertices.astype(np.float32), surface.triangles.astype(np.int64))
        for file, value in zip(files, values, strict=True):
            _save(torch.from_numpy(value), file)
    return (written, *map(str, files))


def _save(tensor: torch.Tensor, file: Path) -> None:
    try:
        torch.save(tensor, file)
    except (OSError, RuntimeError) as error:
        raise StorageError(
            f"The tensors {file} cannot be written ({error}); choose a folder with write access."
        ) from error


def _replaced(made: MeasuredSurface, vertices: Any) -> MeasuredSurface:
    surface = dataclasses.replace(made.surface, vertices=vertices, units=(None, None, None))
    return dataclasses.replace(made, surface=surface)
