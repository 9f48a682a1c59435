"""Voxel size, units and channel names from the metadata of OME-TIFF and ImageJ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_seamless.volume.units import unit_name

Calibration = tuple[tuple[float, ...], tuple[str | None, ...]]

_NO_RESOLUTION_UNIT = 1


def calibration(tif: Any, series: Any) -> Calibration:
    """Return voxel size and unit per array axis; 1 and None where the file does not say.

    The resolution of a plain TIFF is not used: most writers fill in dots per inch for printing.

    Parameters
    ----------
    tif : tifffile.TiffFile
        The open file.
    series : tifffile.TiffPageSeries
        Whose axes count.
    """
    sizes: dict[str, tuple[float, str | None]] = {}
    if tif.is_ome:
        sizes = _from_ome(_pixels(tif))
    elif tif.is_imagej:
        sizes = _from_imagej(tif)
    pairs = [sizes.get(letter, (1.0, None)) for letter in series.axes]
    return tuple(size for size, _ in pairs), tuple(unit for _, unit in pairs)


def channel_names(tif: Any) -> tuple[str, ...]:
    """Return the names of the channels of an OME-TIFF, none where one has no name."""
    channels = _pixels(tif).get("Channel", []) if tif.is_ome else []
    entries = channels if isinstance(channels, list) else [channels]
    names = tuple(str(entry["Name"]) for entry in entries if isinstance(entry, Mapping) and "Name" in entry)
    return names if len(names) == len(entries) else ()


def _pixels(tif: Any) -> Mapping[str, Any]:
    """Return the Pixels element of the first image, empty where there is none."""
    import tifffile

    images = tifffile.xml2dict(tif.ome_metadata or "").get("OME", {}).get("Image", {})
    image = images[0] if isinstance(images, list) else images
    pixels = image.get("Pixels", {})
    return pixels if isinstance(pixels, Mapping) else {}


def _from_ome(pixels: Mapping[str, Any]) -> dict[str, tuple[float, str | None]]:
    return {
        letter: (float(pixels[key]), unit_name(pixels.get(f"{key}Unit", "µm")))
        for letter in "ZYX"
        if (key := f"PhysicalSize{letter}") in pixels and float(pixels[key]) > 0
    }


def _from_imagej(tif: Any) -> dict[str, tuple[float, str | None]]:
    """Return what ImageJ keeps as voxels per unit in two tags, and as the distance of slices in its own text."""
    metadata = tif.imagej_metadata or {}
    tags = tif.pages[0].tags
    unit = unit_name(metadata.get("unit"))
    sizes: dict[str, tuple[float, str | None]] = {}
    plain = tags.valueof("ResolutionUnit", _NO_RESOLUTION_UNIT) == _NO_RESOLUTION_UNIT
    for letter in "YX":
        voxels, units = tags.valueof(f"{letter}Resolution", (0, 0))
        if voxels > 0 and units > 0 and (unit or plain):
            sizes[letter] = (units / voxels, unit)
    if float(metadata.get("spacing", 0)) > 0:
        sizes["Z"] = (float(metadata["spacing"]), unit)
    return sizes
