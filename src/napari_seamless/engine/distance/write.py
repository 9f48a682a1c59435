"""`write_distance_map`: from labels to an OME-Zarr of distances, in bounded memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.distance import MOST_CLASSES, Census, count_labels
from napari_seamless.engine.beside_output import scratch_beside, written_alone
from napari_seamless.engine.control import Control
from napari_seamless.engine.distance.exact import ExactPasses
from napari_seamless.engine.distance.labels import open_labels, read_labels, spacing_warnings
from napari_seamless.engine.distance.layout import Layout
from napari_seamless.engine.distance.local import LocalBlocks
from napari_seamless.engine.distance.output import MapSink, output_spec
from napari_seamless.engine.distance.progress import Steps
from napari_seamless.engine.distance.settings import DistanceSettings
from napari_seamless.engine.events import OnEvent, Warned, ignore_event
from napari_seamless.engine.memory import peak_memory_bytes
from napari_seamless.engine.preparation import check_apart, output_path
from napari_seamless.errors import VolumeError
from napari_seamless.sinks.new_folder import new_folder
from napari_seamless.volume import cached, open_volume, useful_cache_bytes

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from napari_seamless.types import Box, Volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenDistances:
    r"""A distance map that is stored.

    Parameters
    ----------
    volume : Volume
        The map, (class, \*space) float32, with all pyramid levels.
    path : str
        The OME-Zarr group.
    classes : tuple of int
        Label value of each map.
    seconds : float
        Wall time.
    peak_memory_bytes : int
        Largest resident memory of the process so far.
    warnings : tuple of str
        What a person should know.
    """

    volume: Volume
    path: str
    classes: tuple[int, ...]
    seconds: float
    peak_memory_bytes: int
    warnings: tuple[str, ...]


def write_distance_map(  # noqa: PLR0913  the last ones say how, by name
    labels: Any,
    output: str | os.PathLike[str],
    settings: DistanceSettings | None = None,
    *,
    axes: str | None = None,
    overwrite: bool = False,
    on_event: OnEvent = ignore_event,
    control: Control | None = None,
) -> WrittenDistances:
    """Write the signed distance maps of labels of any size; the same values as `signed_distance_map`.

    Without `max_distance` the transform is exact: its passes along the axes lie in a scratch folder beside the output,
    4 bytes a voxel for each class, which is removed however the call ends. The output appears under its name when it is
    complete.

    Parameters
    ----------
    labels : array, path, napari layer, Volume or anything that `open_volume` takes
        Integers or bool with two or three spatial axes.
    output : path
        Folder of the OME-Zarr output: (class, space) float32 with a pyramid of means, in the place of the labels.
    settings : DistanceSettings, optional
        What is measured, and with how much memory.
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
    WrittenDistances

    Raises
    ------
    RunCancelledError
        The control cancelled the work; nothing is left of it.
    SeamlessError
        Something does not fit or cannot be written; the text says what to do.

    Examples
    --------
    >>> import numpy, tempfile, pathlib
    >>> labels = numpy.zeros((8, 8, 8), numpy.uint8)
    >>> labels[2:6, 2:6, 2:6] = 1
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_distance_map(labels, pathlib.Path(folder) / "map.ome.zarr", DistanceSettings(classes=[1]))
    ...     numpy.asarray(written.volume.data[0, 4, 4])
    array([ 2.,  1.,  0., -1., -1.,  0.,  1.,  2.], dtype=float32)
    """
    settings = settings or DistanceSettings()
    volume = open_labels(labels, settings.spacing, axes)
    if len(volume.shape) < 2:
        raise VolumeError("labels must have two or three spatial axes, got one; use signed_distance_map.")
    path = output_path(output, overwrite=overwrite, resume=False)
    check_apart(path, volume)
    settings.chunk(volume.shape)
    with written_alone(path, "The distance map was cancelled; nothing of it is left."):
        return _write(volume, path, settings, on_event, control or Control())


def _write(
    volume: Volume, path: Path, settings: DistanceSettings, on_event: OnEvent, control: Control
) -> WrittenDistances:
    measure, layout = settings.measure(volume), Layout.of(volume, settings, len(settings.labels or (0,)))
    boxes = layout.first_boxes()
    read = tuple(max(lengths) for lengths in zip(*(box.shape for box in boxes), strict=True))
    volume = cached(volume, useful_cache_bytes(volume, read, layout.cache_bytes))
    steps = Steps(len(boxes) + layout.steps(measure), on_event, control)
    coarse = spacing_warnings(volume)
    for text in coarse:
        on_event(Warned(text))
    census = _census(volume, settings.labels, boxes, layout, steps)
    for text in census.warnings:
        on_event(Warned(text))
    layout = Layout.of(volume, settings, len(census.classes))
    steps.total = len(boxes) + layout.steps(measure)
    with new_folder(path) as fresh:
        sink = MapSink(fresh, output_spec(volume, settings, census.classes))
        try:
            with scratch_beside(path) as scratch:
                if math.isfinite(measure.limit):
                    LocalBlocks(volume, census, measure, layout, sink).run(steps)
                else:
                    ExactPasses(volume, census, measure, layout, sink, scratch).run(steps)
            control.checkpoint()
            sink.finish()
        finally:
            sink.close()
    return WrittenDistances(
        volume=open_volume(path),
        path=str(path),
        classes=census.classes,
        seconds=steps.seconds,
        peak_memory_bytes=peak_memory_bytes(),
        warnings=(*coarse, *census.warnings),
    )


def _census(volume: Volume, classes: tuple[int, ...] | None, boxes: list[Box], layout: Layout, steps: Steps) -> Census:
    """Count the classes of the whole volume."""
    counts = np.zeros(len(classes) if classes is not None else MOST_CLASSES, np.int64)
    threads = layout.first_threads(boxes)
    for part in steps.run(lambda box: count_labels(read_labels(volume, box), classes), boxes, threads):
        counts += part
    return Census.of(counts, classes, math.prod(volume.shape))
