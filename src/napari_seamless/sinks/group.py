"""The Zarr group of an output: created, opened, marked as complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zarr
from zarr.codecs import ZstdCodec

from napari_seamless.errors import OutputExistsError, StorageError
from napari_seamless.sinks.encoding import COMPRESSOR
from napari_seamless.sinks.metadata import ome_attributes

if TYPE_CHECKING:
    from pathlib import Path

    from napari_seamless.sinks.pyramid import PyramidLevel
    from napari_seamless.sinks.sink import OutputSpec

METADATA_KEY = "napari-seamless"


def create_group(folder: Path, spec: OutputSpec, levels: tuple[PyramidLevel, ...]) -> None:
    """Create the group with an empty array for each level."""
    group = zarr.create_group(folder, zarr_format=3)
    for i, level in enumerate(levels):
        shard = tuple(n * c for n, c in zip(spec.chunks_per_shard, level.chunk, strict=True))
        group.create_array(
            str(i),
            shape=(*spec.leading, *level.shape),
            chunks=(*spec.leading, *level.chunk),
            shards=None if spec.shard is None else (*spec.leading, *shard),
            dtype=spec.dtype,
            compressors=ZstdCodec.from_dict(dict(COMPRESSOR)),
            fill_value=0,
            dimension_names=spec.all_axes,
        )
    group.attrs.update({"ome": ome_attributes(spec, levels), METADATA_KEY: {**spec.metadata, "complete": False}})


def open_levels(path: Path, number: int) -> list[zarr.Array[Any]]:
    """Open the arrays of an output.

    Raises
    ------
    StorageError
        One of them is something else.
    """
    group = zarr.open_group(path, mode="r+", use_consolidated=False)
    return [_array(group, str(i)) for i in range(number)]


def mark_complete(path: Path, spec: OutputSpec) -> None:
    """Say in the metadata that every chunk is finished."""
    group = zarr.open_group(path, mode="r+", use_consolidated=False)
    group.attrs.update({METADATA_KEY: {**spec.metadata, "complete": True}})


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


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise StorageError(f"{group.name}/{name} is a group where an array was expected; start anew with overwrite.")
    return array
