"""Zarr arrays and groups: from a path, a URL, or an object that is open already."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import zarr

from napari_seamless.errors import MissingDependencyError, VolumeError, VolumeNotFoundError
from napari_seamless.volume.axes import clean_axes
from napari_seamless.volume.found import Found, MissingChunks
from napari_seamless.volume.names import label, short_name
from napari_seamless.volume.ome_zarr import find_multiscale, multiscale_metadata
from napari_seamless.volume.zarr_data import ZarrData

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_zarr(source: Any) -> bool:
    """Tell whether a source is an open zarr array or group."""
    return isinstance(source, zarr.Array | zarr.Group)


def find_zarr_at(location: str, missing_chunks: MissingChunks) -> Found:
    """Open a folder or URL with zarr and return what is known of it.

    Raises
    ------
    VolumeNotFoundError
        There is nothing at the URL.
    VolumeError
        It is no zarr array or group, its metadata is damaged, or the group holds no image.
    MissingDependencyError
        The kind of URL needs a package that is not installed.
    """
    try:
        node = zarr.open(location, mode="r")
    except ImportError as error:
        scheme = location.split("://", 1)[0]
        raise MissingDependencyError(
            f"Opening {location!r} needs a package that is not installed ({error}); "
            f'pip install "napari-seamless[remote]", or the fsspec package for {scheme}:// addresses.'
        ) from error
    except FileNotFoundError as error:
        if "://" in location:
            raise VolumeNotFoundError(f"There is no zarr array or group at {location!r}; check the address.") from error
        raise VolumeError(
            f"The folder {location!r} is no volume (it holds neither a zarr array nor a group); "
            "a folder must be an OME-Zarr image or a zarr array."
        ) from error
    except Exception as error:  # damaged JSON, refused connections: every store raises errors of its own
        raise VolumeError(
            f"{location!r} cannot be opened as zarr ({error}); check the path and the metadata there."
        ) from error
    if isinstance(node, zarr.Array) and (level := _find_level(location, missing_chunks)) is not None:
        return level
    return find_zarr(node, missing_chunks, location)


def find_zarr(node: Any, missing_chunks: MissingChunks, location: str | None = None) -> Found:
    """Return what is known of an open zarr array or group.

    Parameters
    ----------
    node : zarr.Array or zarr.Group
        What is opened.
    missing_chunks : {"warn", "error", "fill"}
        Given to `ZarrData`.
    location : str or None
        Where it was opened from; None asks its store.
    """
    place = location or _place(node)
    if isinstance(node, zarr.Array):
        return _find_plain(node, place, missing_chunks)
    if multiscale_metadata(node) is None:
        raise VolumeError(f"The zarr group {place!r} has no multiscales metadata; {_advice(node, place)}")
    return find_multiscale(node, place, missing_chunks)


def _find_level(location: str, missing_chunks: MissingChunks) -> Found | None:
    """Return what the OME-Zarr image around an array says of it as one of its levels, None where there is no image."""
    parent, _, path = location.rstrip("/").rpartition("/")
    try:
        group = zarr.open_group(parent, mode="r")
        found = None if multiscale_metadata(group) is None else find_multiscale(group, parent, missing_chunks, path)
    except (OSError, ValueError):  # no group, or damaged metadata: the array can still be opened as it is
        return None
    return dataclasses.replace(found, name=short_name(location), source=location) if found and found.arrays else None


def _place(node: Any) -> str:
    """Return a path or URL where the store has one, else the path inside the store."""
    text = str(node.store_path).removeprefix("file://")
    return text if not text.startswith("memory://") else (node.path or "array")


def _find_plain(array: zarr.Array[Any], place: str, missing_chunks: MissingChunks) -> Found:
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    return Found(
        name=short_name(place),
        arrays=(ZarrData(array, label(place), missing_chunks),),
        axes=clean_axes(names if isinstance(names, list | tuple) else None),
        source=place,
    )


def _advice(group: zarr.Group, place: str) -> str:
    arrays = [f"{place}/{path}" for path in _inside(group, "array_keys")]
    images = [f"{place}/{path}" for path in _inside(group, "group_keys") if _is_image(group, path)]
    if candidates := images or arrays:
        more = f" (and {len(candidates) - 4} more)" if len(candidates) > 4 else ""
        return f"open one of what it holds: {', '.join(candidates[:4])}{more}."
    return "it holds no arrays either."


def _inside(group: zarr.Group, kind: str) -> list[str]:
    # Web servers cannot list a folder; then there is nothing to advise.
    try:
        keys: Iterator[str] = getattr(group, kind)()
        return sorted(keys)
    except (NotImplementedError, OSError, ValueError):
        return []


def _is_image(group: zarr.Group, path: str) -> bool:
    child = group[path]
    return isinstance(child, zarr.Group) and multiscale_metadata(child) is not None
