"""The metadata of OME-Zarr images: https://ngff.openmicroscopy.org, versions 0.1 to 0.5."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import zarr

from napari_seamless.errors import VolumeError
from napari_seamless.volume.axes import clean_axes
from napari_seamless.volume.found import Found, MissingChunks, PerLevel, align_levels
from napari_seamless.volume.names import label, short_name
from napari_seamless.volume.zarr_data import ZarrData

_NAME_KEYS = ("name", "class", "label", "label-name")
_SHORT_TYPES = {"channel": "c", "time": "t"}


def multiscale_metadata(group: zarr.Group) -> Mapping[str, Any] | None:
    """Return the OME metadata of a group, None where it has no image of its own."""
    attributes = group.attrs.asdict()
    ome = attributes.get("ome", attributes)
    return ome if isinstance(ome, Mapping) and ome.get("multiscales") else None


def find_multiscale(group: zarr.Group, place: str, missing_chunks: MissingChunks, only: str | None = None) -> Found:
    """Return what an OME-Zarr group says of its first image, or of the one level with the path `only`.

    Raises
    ------
    VolumeError
        The metadata is incomplete, or names an array that is not there.
    """
    ome = multiscale_metadata(group) or {}
    try:
        return _choose(_find(group, ome, place, missing_chunks), ome, only)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        if isinstance(error, VolumeError):
            raise
        raise VolumeError(
            f"The OME-Zarr metadata of {place!r} cannot be understood ({type(error).__name__}: {error}); "
            "open one of its arrays by its own path instead."
        ) from error


def _find(group: zarr.Group, ome: Mapping[str, Any], place: str, missing_chunks: MissingChunks) -> Found:
    image = ome["multiscales"][0]
    datasets = image["datasets"]
    arrays = [_array(group, str(dataset["path"]), place) for dataset in datasets]
    ndim = arrays[0].ndim
    axes, units = _axes(image.get("axes"), ndim)
    scales, translations = _transformations(datasets, image.get("coordinateTransformations"), ndim)
    paths = [str(dataset["path"]) for dataset in datasets]
    data = tuple(
        ZarrData(array, f"{label(place)}/{path}", missing_chunks) for array, path in zip(arrays, paths, strict=True)
    )
    return Found(
        name=short_name(place),
        arrays=data,
        axes=axes,
        scales=scales,
        translations=translations,
        units=units,
        source=place,
        channels=_channels(ome.get("omero")),
        is_labels="image-label" in ome,
        label_names=_label_names(ome.get("image-label")),
    )


def _choose(found: Found, ome: Mapping[str, Any], only: str | None) -> Found:
    if only is None:
        return found
    chosen = [i for i, dataset in enumerate(ome["multiscales"][0]["datasets"]) if str(dataset["path"]) == only]
    n = len(found.arrays[0].shape)
    aligned = align_levels(found.arrays, (1.0,) * n, (0.0,) * n)
    scales, translations = found.scales or aligned[0], found.translations or aligned[1]
    return replace(
        found,
        arrays=tuple(found.arrays[i] for i in chosen),
        scales=tuple(scales[i] for i in chosen),
        translations=tuple(translations[i] for i in chosen),
    )


def _array(group: zarr.Group, path: str, place: str) -> zarr.Array[Any]:
    try:
        node = group[path]
    except KeyError:
        node = None
    if not isinstance(node, zarr.Array):
        raise VolumeError(f"The OME-Zarr image {place!r} lists the level {path!r}, but there is no such array.")
    return node


def _axes(stored: Any, ndim: int) -> tuple[tuple[str, ...] | None, tuple[str | None, ...]]:
    """Return axis names and units; before 0.3 images had no names and always five axes."""
    if stored is None:
        return (tuple("tczyx") if ndim == 5 else None), ()
    entries = [entry if isinstance(entry, Mapping) else {"name": entry} for entry in stored]
    names = [_SHORT_TYPES.get(entry.get("type", ""), entry["name"]) for entry in entries]
    return clean_axes(names), tuple(entry.get("unit") for entry in entries)


def _transformations(
    datasets: Iterable[Mapping[str, Any]], common: Any, ndim: int
) -> tuple[PerLevel | None, PerLevel | None]:
    """Return scale and translation per level and axis; the image's own transformations follow the level's."""
    datasets = list(datasets)
    if not any("coordinateTransformations" in dataset for dataset in datasets):
        return None, None
    scales, translations = [], []
    for dataset in datasets:
        scale, shift = np.ones(ndim), np.zeros(ndim)
        for step in [*dataset.get("coordinateTransformations", ()), *(common or ())]:
            if step["type"] == "scale":
                factor = np.asarray(step["scale"], dtype=np.float64).reshape(ndim)
                scale, shift = scale * factor, shift * factor
            elif step["type"] == "translation":
                shift = shift + np.asarray(step["translation"], dtype=np.float64).reshape(ndim)
            elif step["type"] != "identity":
                raise ValueError(f"coordinate transformation of type {step['type']!r}")
        scales.append(tuple(scale.tolist()))
        translations.append(tuple(shift.tolist()))
    return tuple(scales), tuple(translations)


def _channels(omero: Any) -> tuple[str, ...]:
    channels = omero.get("channels", ()) if isinstance(omero, Mapping) else ()
    return tuple(str(channel.get("label", f"channel {i}")) for i, channel in enumerate(channels))


def _label_names(metadata: Any) -> dict[int, str]:
    """Return class names; the format lets each property of a label have any key, so the usual ones are tried."""
    properties = metadata.get("properties") if isinstance(metadata, Mapping) else None
    names: dict[int, str] = {}
    for entry in properties or ():
        name = next((entry[key] for key in _NAME_KEYS if isinstance(entry.get(key), str)), None)
        if name is not None:
            names[int(entry["label-value"])] = name
    return names
