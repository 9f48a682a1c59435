"""`write_border_map`: the border region of labels of any size, in bounded memory."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import napari_seamless
from napari_seamless.engine.beside_output import written_alone
from napari_seamless.engine.control import Control
from napari_seamless.engine.distance.labels import open_labels, read_labels
from napari_seamless.engine.distance.progress import Steps
from napari_seamless.engine.events import OnEvent, ignore_event
from napari_seamless.engine.preparation import check_apart, output_path
from napari_seamless.engine.threads import available_cores
from napari_seamless.errors import SettingsError
from napari_seamless.sinks import OmeZarrSink, OutputSpec
from napari_seamless.sinks.new_folder import new_folder
from napari_seamless.training.oss_net.border import HALO, border_in_box
from napari_seamless.types import Box
from napari_seamless.volume import cached, open_volume, useful_cache_bytes

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from napari_seamless.types import Volume

CACHE_BYTES = 2**28
"""Bytes of decoded chunks of the labels that are kept at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenBorder:
    """A border map that is stored.

    Parameters
    ----------
    volume : Volume
        uint8 labels: 1 in the border region, else 0.
    path : str
        The OME-Zarr group.
    voxels : int
        Voxels in the border region.
    seconds : float
        Wall time.
    """

    volume: Volume
    path: str
    voxels: int
    seconds: float


def write_border_map(  # noqa: PLR0913  the last ones say how, by name
    labels: Any,
    output: str | os.PathLike[str],
    *,
    classes: int = 1,
    chunk: int = 128,
    overwrite: bool = False,
    on_event: OnEvent = ignore_event,
    control: Control | None = None,
) -> WrittenBorder:
    """Write the border region of labels of any size, the same voxels as `border_map`.

    Each chunk is made of itself and 7 voxels around it, so that a few chunks are in memory at once. The output appears
    under its name when it is complete.

    Parameters
    ----------
    labels : array, path or anything that `open_volume` takes
        Integers or bool with one to three spatial axes.
    output : path
        Folder of the OME-Zarr output, in the place and spacing of the labels.
    classes : int
        As in `border_map`.
    chunk : int
        Voxels of an output chunk along each axis, at most the volume.
    overwrite : bool
        Replace an OME-Zarr that is there.
    on_event : callable
        Told of `Progress`, whose numbers are chunks.
    control : Control, optional
        Cancels and pauses.

    Raises
    ------
    RunCancelledError
        The control cancelled it; nothing is left.
    SeamlessError
        Something does not fit or cannot be written; the text says what to do.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> labels = np.zeros((20, 20, 20), np.uint8)
    >>> labels[10:] = 1
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_border_map(labels, pathlib.Path(folder) / "border.ome.zarr").voxels
    5600
    """
    if chunk < 1 or classes < 1:
        raise SettingsError(f"chunk and classes must be 1 or more, got {chunk} and {classes}.")
    volume = open_labels(labels, None)
    path = output_path(output, overwrite=overwrite, resume=False)
    check_apart(path, volume)
    with written_alone(path, "The border map was cancelled; nothing of it is left."):
        return _write(volume, path, _spec(volume, chunk, classes), classes, Steps(0, on_event, control or Control()))


def _write(volume: Volume, path: Path, spec: OutputSpec, classes: int, steps: Steps) -> WrittenBorder:
    indices = list(itertools.product(*(range(n) for n in spec.chunk_grid)))
    steps.total = len(indices)
    read = tuple(min(n, c + 2 * HALO) for n, c in zip(spec.shape, spec.chunk, strict=True))
    source = cached(volume, useful_cache_bytes(volume, read, CACHE_BYTES))
    with new_folder(path) as fresh:
        sink = OmeZarrSink(fresh, spec, dict(spec.metadata))

        def one(index: tuple[int, ...]) -> int:
            start = tuple(i * c for i, c in zip(index, spec.chunk, strict=True))
            box = Box(start, tuple(min(a + c, n) for a, c, n in zip(start, spec.chunk, spec.shape, strict=True)))
            block = border_in_box(lambda part: read_labels(source, part), spec.shape, box, classes)
            sink.write(index, box, block.astype(np.uint8))
            return int(block.sum())

        try:
            voxels = sum(steps.run(one, indices, available_cores()))
            sink.finish()
        finally:
            sink.close()
    return WrittenBorder(volume=open_volume(path), path=str(path), voxels=voxels, seconds=steps.seconds)


def _spec(volume: Volume, chunk: int, classes: int) -> OutputSpec:
    said = {"reach": HALO - 1, "classes": classes, "labels": volume.source}
    return OutputSpec(
        name=f"{volume.name} border",
        axes=volume.spatial_axes,
        shape=volume.spatial_shape,
        chunk=tuple(min(chunk, n) for n in volume.spatial_shape),
        dtype=np.dtype(np.uint8),
        classes=("elsewhere", "border"),
        colors=(),
        n_channels=None,
        spacing=volume.spacing,
        translation=volume.translation,
        units=volume.units,
        metadata={"border": said, "versions": {"napari-seamless": napari_seamless.__version__}},
    )
