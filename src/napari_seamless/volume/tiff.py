"""TIFF files through the zarr interface of tifffile: plain, OME and ImageJ, with pyramids."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import zarr

from napari_seamless.errors import MissingDependencyError, VolumeError
from napari_seamless.volume.found import Found, MissingChunks, align_levels
from napari_seamless.volume.names import short_name
from napari_seamless.volume.tiff_metadata import calibration, channel_names
from napari_seamless.volume.zarr_data import ZarrData

if TYPE_CHECKING:
    from pathlib import Path

# tifffile's letters: S is the sample of a pixel, Q and I are what a writer did not name.
_AXES = {"T": "t", "Z": "z", "C": "c", "Y": "y", "X": "x", "S": "c"}
_UNNAMED = frozenset("QI")


def find_tiff(path: Path, missing_chunks: MissingChunks) -> Found:
    """Return what a TIFF file says of its first series.

    Raises
    ------
    MissingDependencyError
        The compression needs the package imagecodecs.
    VolumeError
        The file is damaged.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            series = tif.series[0]
            _check_compression(series, path)
            scale, units = calibration(tif, series)
            channels = channel_names(tif)
            arrays = _arrays(series, tif.filehandle)
            letters = str(series.axes)
    except MissingDependencyError:
        raise
    except Exception as error:  # tifffile meets damaged files with errors of many kinds
        raise VolumeError(f"The file {str(path)!r} is no readable TIFF image ({error}).") from error
    named = all(letter in _AXES for letter in letters)
    scales, shifts = align_levels(arrays, scale, (0.0,) * len(scale))
    return Found(
        name=short_name(str(path)),
        arrays=tuple(_data(array, path.name, i, missing_chunks) for i, array in enumerate(arrays)),
        axes=tuple(_AXES[letter] for letter in letters) if named else None,
        unclear_axes="" if all(letter in _AXES or letter in _UNNAMED for letter in letters) else letters,
        scales=scales,
        translations=shifts,
        units=units,
        source=str(path),
        channels=channels,
    )


def _check_compression(series: Any, path: Path) -> None:
    import tifffile

    try:
        tifffile.TIFF.DECOMPRESSORS[series.keyframe.compression]
    except KeyError as error:
        raise MissingDependencyError(
            f"Reading {str(path)!r} needs the package imagecodecs, which is not installed ({error.args[0]}); "
            'pip install "napari-seamless[tiff]".'
        ) from error


def _arrays(series: Any, handle: Any) -> list[zarr.Array[Any]]:
    """Return one zarr array for each level; the file opens when it is read and closes with the last array."""
    store = series.aszarr(multiscales=True)
    weakref.finalize(store, handle.close)
    group = zarr.open_group(store, mode="r")
    arrays = [group[str(i)] for i in range(len(series.levels))]
    return [array for array in arrays if isinstance(array, zarr.Array)]


def _data(array: zarr.Array[Any], file_name: str, level: int, missing_chunks: MissingChunks) -> ZarrData:
    label = f"{file_name} level {level}" if level else file_name
    return ZarrData(array, label, missing_chunks, in_one_file=True)
