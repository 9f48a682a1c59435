"""`write_instances`: from labels to an OME-Zarr of numbered instances, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.engine.beside_output import scratch_beside, written_alone
from napari_seamless.engine.control import Control
from napari_seamless.engine.distance.labels import open_labels
from napari_seamless.engine.events import OnEvent, ignore_event
from napari_seamless.engine.instances.settings import InstanceSettings
from napari_seamless.engine.instances.work import Work
from napari_seamless.engine.memory import peak_memory_bytes
from napari_seamless.engine.preparation import check_apart, output_path
from napari_seamless.errors import VolumeError
from napari_seamless.volume import open_volume

if TYPE_CHECKING:
    import os

    from napari_seamless.types import Volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenInstances:
    r"""Instances that are stored.

    Parameters
    ----------
    volume : Volume
        (\*space) uint32, uint64 beyond 2^32 - 1 instances: 0 for background, 1 to `count`, with all pyramid levels.
    path : str
        The OME-Zarr group.
    count : int
        Instances.
    dropped : int
        Instances that had fewer than `min_size` voxels.
    seconds : float
        Wall time.
    peak_memory_bytes : int
        Largest resident memory of the process so far.
    warnings : tuple of str
        What a person should know.
    """

    volume: Volume
    path: str
    count: int
    dropped: int
    seconds: float
    peak_memory_bytes: int
    warnings: tuple[str, ...]


def write_instances(  # noqa: PLR0913  the last ones say how, by name
    labels: Any,
    output: str | os.PathLike[str],
    settings: InstanceSettings | None = None,
    *,
    axes: str | None = None,
    overwrite: bool = False,
    on_event: OnEvent = ignore_event,
    control: Control | None = None,
) -> WrittenInstances:
    """Write labels of any size as instances, numbered from 1 on by the raster order of their first voxels.

    Blocks are cut into pieces side by side, and pieces are joined across their borders: neither chunks nor threads nor
    the memory budget change the result. The method "components" gives the connected components of the foreground.
    "watershed" cuts these along the narrows of their distance maps: every voxel climbs to its deepest neighbour, what
    climbs to one maximum is a basin, and basins are joined through their deepest passes around the maxima that count.
    With unequal voxel sizes the distance map itself depends on chunks and budget by the rounding of float32, which may
    decide between two equally deep neighbours.

    Parameters
    ----------
    labels : array, path, napari layer, Volume or anything that `open_volume` takes
        Integers or bool with two or three spatial axes.
    output : path
        Folder of the OME-Zarr output: (space) uint32 in the place of the labels. It appears when it is complete. A
        folder beside it takes the pieces meanwhile, compressed, and the distance map of a watershed.
    settings : InstanceSettings, optional
        What an instance is, and with how much memory.
    axes : str, optional
        Name of each array axis where the labels have none.
    overwrite : bool
        Replace an OME-Zarr that is there.
    on_event : callable
        Called from the caller's thread with `Progress`, whose numbers are steps of the work, and `Warned`.
    control : Control, optional
        Cancels and pauses.

    Returns
    -------
    WrittenInstances
        No instances, and a warning, where there is no foreground.

    Raises
    ------
    RunCancelledError
        The control cancelled the work; nothing is left of it.
    SeamlessError
        Something does not fit or cannot be written; the text says what to do.

    Examples
    --------
    >>> import numpy, tempfile, pathlib
    >>> labels = numpy.zeros((4, 6, 6), numpy.uint8)
    >>> labels[:, 1:3, 1:3] = labels[:, 4:, 3:] = 1
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_instances(labels, pathlib.Path(folder) / "cells.ome.zarr")
    ...     written.count, numpy.asarray(written.volume.data[0, 4:, 2:])
    (2, array([[0, 2, 2, 2],
           [0, 2, 2, 2]], dtype=uint32))
    """
    settings = settings or InstanceSettings()
    volume = open_labels(labels, settings.spacing, axes)
    if len(volume.shape) < 2:
        raise VolumeError("labels must have two or three spatial axes, got one; give them a second axis of length 1.")
    if settings.label_value is not None:
        _check_value(settings.label_value, volume)
    path = output_path(output, overwrite=overwrite, resume=False)
    check_apart(path, volume)
    cancelled = "Finding instances was cancelled; nothing of them is left."
    with written_alone(path, cancelled), scratch_beside(path) as scratch:
        work = Work(volume, path, scratch, settings, on_event, control or Control())
        numbering = work.run()
    return WrittenInstances(
        volume=open_volume(path),
        path=str(path),
        count=numbering.count,
        dropped=numbering.dropped,
        seconds=work.seconds,
        peak_memory_bytes=peak_memory_bytes(),
        warnings=tuple(work.warnings),
    )


def _check_value(value: int, volume: Volume) -> None:
    """Refuse a label that the type of the labels cannot hold."""
    limits = np.iinfo(volume.dtype) if volume.dtype.kind in "iu" else None
    low, high = (int(limits.min), int(limits.max)) if limits else (0, 1)
    if not low <= value <= high:
        raise VolumeError(f"label_value is {value}, but labels are {volume.dtype}; choose one from {low} to {high}.")
