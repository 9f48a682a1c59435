"""What meshes are made of: labels, or a field and its level, opened and cut into blocks."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from napari_seamless.engine.mesh.settings import LEVELS, Kind, MeshSettings
from napari_seamless.errors import AxesError, SettingsError, VolumeError
from napari_seamless.mesh import MARGIN, Faces, Grid, field_faces, label_faces
from napari_seamless.sinks import METADATA_KEY
from napari_seamless.types import Box, Volume
from napari_seamless.volume import at, open_volume, parse_region

Array = np.ndarray[Any, Any]

_SPACE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A volume and the part of it that meshes are made of.

    Parameters
    ----------
    volume : Volume
        Three spatial axes and at most channels.
    kind : {"labels", "probabilities", "distance"}
        What its voxels are.
    level : float
        For a field: what its surface lies at.
    box : Box
        The part; what lies beyond is outside.
    chosen : tuple of int or None
        Labels or channels; None for all labels.
    """

    volume: Volume
    kind: Kind
    level: float
    box: Box
    chosen: tuple[int, ...] | None

    @classmethod
    def open(cls, data: Any, settings: MeshSettings, axes: str | None = None) -> Source:
        """Open a volume and check that meshes can be made of it; no voxel is read.

        Raises
        ------
        SeamlessError
            The volume cannot be used, or the settings do not fit it.
        """
        volume = open_volume(data, spacing=settings.spacing, axes=axes, missing_chunks="fill")
        for axis in ("t", "b"):
            if axis in volume.axes:
                _check_single(volume, axis)
                volume = at(volume, **{axis: 0})
        if len(volume.spatial_axes) != _SPACE:
            raise VolumeError(
                f"Meshes need three spatial axes, and {volume.name} has {len(volume.spatial_axes)} "
                f"({', '.join(volume.spatial_axes)}); open a volume, or name its axes."
            )
        if settings.scale >= len(volume.levels):
            raise SettingsError(
                f"scale must be a level of the pyramid, 0 to {len(volume.levels) - 1}, got {settings.scale}."
            )
        volume = dataclasses.replace(volume, levels=volume.levels[settings.scale :])
        kind = settings.kind or _kind_of(volume)
        whole = Box((0,) * _SPACE, volume.spatial_shape)
        box = whole if settings.region is None else parse_region(settings.region, volume)
        if kind == "labels":
            return cls(_labels(volume), kind, 0.0, box, settings.chosen)
        level = LEVELS[kind] if settings.level is None else float(settings.level)
        return cls(volume, kind, level, box, _channels(volume, settings.chosen))

    @property
    def grid(self) -> Grid:
        """The voxels of the part."""
        a, b, c = self.box.shape
        return Grid((a, b, c))

    @property
    def spacing(self) -> Array:
        """(3,) float64 voxel size."""
        return np.array(self.volume.spacing, np.float64)

    @property
    def translation(self) -> Array:
        """(3,) float64 position of the first voxel of the part."""
        first: Array = np.array(self.volume.translation, np.float64) + self.spacing * np.array(self.box.start)
        return first

    @property
    def voxel_bytes(self) -> int:
        """Bytes that a voxel of a block takes while its faces are found."""
        return 4 * max(self.volume.dtype.itemsize, 4) + 24

    def name(self, label: int) -> str:
        """Return the name of a label or channel."""
        if self.kind != "labels" and label < len(self.volume.channels):
            return self.volume.channels[label]
        return self.volume.label_names.get(label) or f"{'label' if self.kind == 'labels' else 'channel'} {label}"

    def blocks(self, size: tuple[int, int, int]) -> list[tuple[Box, int | None]]:
        """Return the blocks, of each channel of a field; the first begin before the part, for faces at its border."""
        spans = [range(-1, n, b) for n, b in zip(self.box.shape, size, strict=True)]
        boxes = [
            Box(start, tuple(min(a + b, n) for a, b, n in zip(start, size, self.box.shape, strict=True)))
            for start in itertools.product(*spans)
        ]
        channels = (None,) if self.kind == "labels" else self.chosen or ()
        return [(box, channel) for box in boxes for channel in channels]

    def faces(self, box: Box, channel: int | None) -> Faces:
        """Find the faces of a block."""
        if channel is not None:
            sign = -1.0 if self.kind == "distance" else 1.0
            block = sign * self._with_margin(box, channel)
            return field_faces(block, sign * self.level, self.grid, box.start, channel)
        block = self._with_margin(box, None)
        if block.dtype.kind == "i":
            np.maximum(block, 0, out=block)
            block = block.view(np.dtype(f"u{block.dtype.itemsize}"))
        if self.chosen is not None:
            dtype: Any = block.dtype
            largest = np.iinfo(dtype).max
            held = np.array([label for label in self.chosen if 0 <= label <= largest], dtype)
            block[~np.isin(block, held)] = 0
        return label_faces(block, self.grid, box.start)

    def _with_margin(self, box: Box, channel: int | None) -> Array:
        """Read a block and what lies around it; 0 or NaN beyond the part."""
        grown = tuple(b - a + 2 * MARGIN for a, b in zip(box.start, box.stop, strict=True))
        start = [max(a - MARGIN, 0) for a in box.start]
        stop = [min(b + MARGIN, n) for b, n in zip(box.stop, self.box.shape, strict=True)]
        into = tuple(slice(a - s + MARGIN, b - s + MARGIN) for a, b, s in zip(start, stop, box.start, strict=True))
        inside = tuple(slice(a + o, b + o) for a, b, o in zip(start, stop, self.box.start, strict=True))
        if channel is None:
            dtype = np.dtype(np.uint8) if self.volume.dtype.kind == "b" else self.volume.dtype.newbyteorder("=")
            block = np.zeros(grown, dtype)
        else:
            block = np.full(grown, np.nan, np.float32)
        block[into] = self._read(inside, channel)
        return block

    def _read(self, inside: tuple[slice, ...], channel: int | None) -> Array:
        if channel is None or "c" not in self.volume.axes:
            read = np.asarray(self.volume.data[inside])
        else:
            where = self.volume.axes.index("c")
            read = np.asarray(self.volume.data[(*inside[:where], slice(channel, channel + 1), *inside[where:])])
            read = read.squeeze(where)
        if channel is not None and read.dtype.kind in "ui" and self.kind == "probabilities":
            return read / np.float32(np.iinfo(read.dtype).max)
        return read


def block_size(source: Source, settings: MeshSettings) -> tuple[tuple[int, int, int], int]:
    """Return the size of blocks and how many of them may be held at once.

    Raises
    ------
    SettingsError
        The budget does not hold a small one.
    """
    size, threads, budget = settings.block, settings.n_threads, settings.budget_bytes // 3
    least = 16
    while True:
        held = math.prod(n + 2 * MARGIN for n in size) * source.voxel_bytes
        if held * threads <= budget:
            return size, threads
        if threads > 1:
            threads -= 1
        elif settings.block_size is None and max(size) > least:
            size, threads = (size[0] // 2, size[1] // 2, size[2] // 2), settings.n_threads
        else:
            raise SettingsError(
                f"memory_budget is {settings.budget_bytes // 2**20} MiB, but blocks of {size} need "
                f"{math.ceil(3 * held / 2**20)} MiB; raise the budget, or choose smaller blocks."
            )


def _kind_of(volume: Volume) -> Kind:
    if _is_distance_map(volume):
        return "distance"
    return "labels" if volume.dtype.kind in "uib" and "c" not in volume.axes else "probabilities"


def _is_distance_map(volume: Volume) -> bool:
    """Whether the store says that it holds distances."""
    if volume.source is None or not (Path(volume.source) / "zarr.json").is_file():
        return False
    try:
        said: Any = zarr.open_group(volume.source, mode="r").attrs.get(METADATA_KEY, {})
        return "distance" in said
    except (ValueError, KeyError, TypeError, OSError):
        return False


def _labels(volume: Volume) -> Volume:
    if "c" in volume.axes:
        _check_single(volume, "c")
        volume = at(volume, c=0)
    if volume.dtype.kind not in "uib":
        raise VolumeError(
            f"labels must be integers or booleans, got {volume.dtype}; choose probabilities or distance as the kind."
        )
    return volume


def _check_single(volume: Volume, axis: str) -> None:
    length = volume.shape[volume.axes.index(axis)]
    if length > 1:
        raise AxesError(f"Meshes are made of one position along {axis}, and {volume.name} has {length}; choose one.")


def _channels(volume: Volume, chosen: tuple[int, ...] | None) -> tuple[int, ...]:
    n = volume.n_channels
    if chosen is None:
        return (0,) if n == 1 else tuple(range(n)) if _is_distance_map(volume) else tuple(range(1, n))
    if not all(0 <= c < n for c in chosen):
        raise SettingsError(f"labels must be channels of {volume.name}, 0 to {n - 1}, got {list(chosen)}.")
    return chosen
