"""An output as OME-Zarr 0.5: a pyramid, label metadata, and a journal."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import zarr

from napari_seamless.errors import OutputExistsError, StorageError
from napari_seamless.sinks import pyramid
from napari_seamless.sinks.journal import Journal
from napari_seamless.types import Box, Level, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from napari_seamless.sinks.sink import OutputSpec

_T = TypeVar("_T")

METADATA_KEY = "napari-seamless"


class OmeZarrSink:
    """Write each finished chunk, and its part of every pyramid level, once.

    Parameters
    ----------
    path : pathlib.Path
        The group's folder.
    spec : OutputSpec
        The output.
    identity : mapping
        What decides the bytes of the output: see `Journal`.
    overwrite : bool
        Replace a Zarr group that is there.
    resume : bool
        Go on in an output whose `finished_chunks` are known.
    record : bool
        Record every chunk in the journal as it is written; otherwise whoever collects the chunks calls `record`.

    Raises
    ------
    OutputExistsError
        The path is taken, or is to be overwritten and is no Zarr group.
    StorageError
        The folder cannot be written.
    """

    def __init__(  # noqa: PLR0913  the last three say what to do with what is there
        self,
        path: Path,
        spec: OutputSpec,
        identity: Mapping[str, Any],
        *,
        overwrite: bool = False,
        resume: bool = False,
        record: bool = True,
    ) -> None:
        self._path = path
        self._spec = spec
        self._records = record
        self._levels = pyramid.pyramid_levels(spec.shape, spec.chunk, spec.spacing)
        self._journal = Journal(path, identity)
        if not resume:
            check_free(path, overwrite=overwrite)
            self._storing(self._create_whole)
        group = self._storing(lambda: zarr.open_group(path, mode="r+", use_consolidated=False))
        self._arrays = [_array(group, str(i)) for i in range(len(self._levels))]

    @property
    def path(self) -> str | None:
        """Folder of the group."""
        return str(self._path)

    @property
    def volume(self) -> Volume:
        """The output as a volume whose levels are zarr arrays."""
        spec = self._spec
        return Volume(
            name=spec.name,
            axes=spec.all_axes,
            levels=tuple(
                Level(data=array, spacing=self._spacing(level), translation=self._translation(level))
                for array, level in zip(self._arrays, self._levels, strict=True)
            ),
            units=spec.units,
            source=self.path,
            channels=spec.channel_names,
            is_labels=spec.is_labels,
            label_names=spec.label_names,
        )

    def write(self, index: tuple[int, ...], box: Box, block: np.ndarray[Any, Any]) -> None:  # noqa: ARG002
        r"""Store one finished chunk (\*leading, \*box.shape) in every level, then record it."""
        shrink = pyramid.mean if self._spec.is_averaged else pyramid.nearest
        for array, level in zip(self._arrays, self._levels, strict=True):
            part = shrink(block, level.factors)
            start = tuple(i * c for i, c in zip(index, level.chunk, strict=True))
            stop = tuple(a + n for a, n in zip(start, part.shape[-len(start) :], strict=True))
            place: tuple[Any, ...] = (..., *Box(start, stop).slices)
            self._storing(partial(array.__setitem__, place, part))
        if self._records:
            self.record(index)

    def record(self, index: tuple[int, ...]) -> None:
        """Record a chunk as finished: a resumed run skips it."""
        self._journal.add(index)

    def finish(self) -> None:
        """Mark the output as complete in its metadata."""
        group = self._storing(lambda: zarr.open_group(self._path, mode="r+", use_consolidated=False))
        metadata = {**self._spec.metadata, "complete": True}
        self._storing(lambda: group.attrs.update({METADATA_KEY: metadata}))

    def _create_whole(self) -> None:
        """Create the group with its arrays and its journal, or leave nothing."""
        if self._path.exists():
            shutil.rmtree(self._path)
        try:
            self._create()
        except BaseException:
            shutil.rmtree(self._path, ignore_errors=True)
            raise

    def _create(self) -> None:
        group = zarr.create_group(self._path, zarr_format=3)
        for i, level in enumerate(self._levels):
            group.create_array(
                str(i),
                shape=(*self._spec.leading, *level.shape),
                chunks=(*self._spec.leading, *level.chunk),
                dtype=self._spec.dtype,
                fill_value=0,
                dimension_names=self._spec.all_axes,
                # an absent chunk then always means one that is not finished
                config={"write_empty_chunks": True},
            )
        group.attrs.update({"ome": self._ome(), METADATA_KEY: {**self._spec.metadata, "complete": False}})
        self._journal.start()

    def _ome(self) -> dict[str, Any]:
        spec = self._spec
        axes = [
            {"name": a, "type": "space"} | ({"unit": u} if u else {})
            for a, u in zip(spec.axes, spec.units, strict=True)
        ]
        if not spec.is_labels:
            axes.insert(0, {"name": "c", "type": "channel"})
        ones, zeros = [1.0] * len(spec.leading), [0.0] * len(spec.leading)
        datasets = [
            {
                "path": str(i),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [*ones, *self._spacing(level)]},
                    {"type": "translation", "translation": [*zeros, *self._translation(level)]},
                ],
            }
            for i, level in enumerate(self._levels)
        ]
        method = "mean" if spec.is_averaged else "nearest"
        ome: dict[str, Any] = {
            "version": "0.5",
            "multiscales": [{"name": spec.name, "axes": axes, "datasets": datasets, "type": method}],
        }
        return ome | (_image_label(spec) if spec.is_labels else _omero(spec))

    def _spacing(self, level: pyramid.PyramidLevel) -> tuple[float, ...]:
        return tuple(s * f for s, f in zip(self._spec.spacing, level.factors, strict=True))

    def _translation(self, level: pyramid.PyramidLevel) -> tuple[float, ...]:
        """Return the centre of a level's first voxel: the cell's middle for means, else its first one."""
        shift = 0.5 if self._spec.is_averaged else 0.0
        return tuple(
            t + shift * (f - 1) * s
            for t, f, s in zip(self._spec.translation, level.factors, self._spec.spacing, strict=True)
        )

    def _storing(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except OSError as error:
            raise StorageError(
                f"The output {self._path} cannot be written ({error.strerror or error}); "
                "free disk space or choose a folder with write access."
            ) from error


def check_free(path: Path, *, overwrite: bool) -> None:
    """Refuse an output path that is taken.

    Raises
    ------
    OutputExistsError
        Something is there and `overwrite` is off, or it is no Zarr group and must not be removed.
    """
    if not path.exists():
        return
    if not overwrite:
        raise OutputExistsError(f"The output {path} exists already; choose another path, or overwrite or resume it.")
    if not (path / "zarr.json").is_file() and not (path / ".zgroup").is_file():
        raise OutputExistsError(
            f"The output {path} exists and is no Zarr group, so it is not overwritten; remove it first."
        )


def finished_chunks(path: Path, identity: Mapping[str, Any]) -> frozenset[tuple[int, ...]]:
    """Return the chunks that an earlier run of this identity finished.

    Raises
    ------
    SettingsError
        There is no such run in `path`, or it was another one; the text says what differs.
    """
    return Journal(path, identity).resume()


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise StorageError(f"{group.name}/{name} is a group where an array was expected; start anew with overwrite.")
    return array.with_config({"write_empty_chunks": True})


def _image_label(spec: OutputSpec) -> dict[str, Any]:
    colors = [{"label-value": i, "rgba": list(rgba)} for i, rgba in enumerate(spec.colors)]
    properties = [{"label-value": i, "name": name} for i, name in enumerate(spec.classes)]
    # the format forbids empty lists
    return {"image-label": ({"colors": colors} if colors else {}) | ({"properties": properties} if properties else {})}


def _omero(spec: OutputSpec) -> dict[str, Any]:
    names = spec.channel_names
    colors = spec.colors or ((255, 255, 255, 255),) * len(names)
    limits = spec.limits or (_type_limits(spec.dtype),) * len(names)
    channels = [
        {
            "label": name,
            "color": "{:02X}{:02X}{:02X}".format(*rgba[:3]),
            "active": i > 0 or len(names) == 1,
            "window": {"start": low, "end": high, "min": low, "max": high},
        }
        for i, (name, rgba, (low, high)) in enumerate(zip(names, colors, limits, strict=True))
    ]
    return {"omero": {"channels": channels}}


def _type_limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the range of an integer type, and that of a probability for any other."""
    if dtype.kind not in "iu":
        return 0.0, 1.0
    return float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
