"""`open_volume`: find out what a source is and hand it to the reader that knows it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from napari_seamless.errors import VolumeError, VolumeNotFoundError
from napari_seamless.types import Volume
from napari_seamless.volume.arrays import find_array, find_npy
from napari_seamless.volume.found import DamagedChunks, Found, MissingChunks, Overrides
from napari_seamless.volume.layer import find_layer, is_layer
from napari_seamless.volume.make import make_volume
from napari_seamless.volume.nifti import find_nifti, is_nifti_name
from napari_seamless.volume.select import with_chunk_policy
from napari_seamless.volume.tiff import find_tiff
from napari_seamless.volume.zarr_source import find_zarr, find_zarr_at, is_zarr

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = "OME-Zarr and Zarr folders, TIFF, NIfTI and .npy files"


def open_volume(  # noqa: PLR0913  each is an optional override, by name only
    source: Any,
    *,
    axes: str | Sequence[str] | None = None,
    spacing: float | Sequence[float] | None = None,
    units: str | Sequence[str | None] | None = None,
    translation: float | Sequence[float] | None = None,
    name: str | None = None,
    missing_chunks: MissingChunks = "warn",
    damaged_chunks: DamagedChunks = "error",
) -> Volume:
    """Open a lazy volume; nothing but metadata is read.

    Parameters
    ----------
    source : path, URL, array, napari layer or Volume
        An OME-Zarr (0.1 to 0.5) or Zarr (v2, v3) folder, URL, group or array; a TIFF (also OME-TIFF and ImageJ),
        NIfTI or .npy file; a NumPy, memory-mapped, dask or torch array; an image or labels layer of napari. A group
        with several images opens its first, finest level first. A Volume is returned as it is, or with the overrides;
        its answers to missing and damaged chunks change only to what is not the default here.
    axes : str or sequence of str, optional
        One name per array axis, in array order; replaces the stored names and never moves an axis. ``c``, ``t`` and
        ``b`` are channel, time and batch; every other name is spatial. Arrays of one, two and three dimensions without
        names are spatial (``x``, ``yx``, ``zyx``); more dimensions must be named.
    spacing, translation : float or sequence of float, optional
        Voxel size, and position of the first voxel's centre, per spatial axis of the finest level, in `units`. Coarser
        levels are scaled and moved with it.
    units : str or sequence of str, optional
        Unit of every, or of each, spatial axis.
    name : str, optional
        Name for layers and messages.
    missing_chunks : {"warn", "error", "fill"}, optional
        What to do where a zarr store has no chunk: read the fill value and remember the chunk in
        ``volume.data.missing_chunks``; raise when it is read; or read the fill value and do not look.
    damaged_chunks : {"error", "fill"}, optional
        What to do where a chunk of a zarr store or TIFF file is there and cannot be decoded: raise when it is read; or
        read the fill value and remember the chunk in ``volume.data.damaged_chunks``.

    Returns
    -------
    Volume
        NIfTI files are presented with their axes reversed (``zyx``), voxels in the order of the file, and the
        orientation in ``affine``; it is dropped where `axes`, `spacing` or `translation` override it.

    Raises
    ------
    VolumeNotFoundError
        The path does not exist.
    AxesError
        The axes are unknown or do not fit.
    VolumeError
        The source is no volume, or an override does not fit it.
    MissingDependencyError
        The format needs an optional dependency.

    Examples
    --------
    >>> import numpy as np
    >>> volume = open_volume(np.zeros((2, 8, 16, 16)), axes="czyx", spacing=(2, 0.5, 0.5), units="um")
    >>> volume.spatial_shape, volume.n_channels, volume.units[0]
    ((8, 16, 16), 2, 'micrometer')
    """
    if missing_chunks not in get_args(MissingChunks):
        raise VolumeError(f'missing_chunks must be "warn", "error" or "fill", got {missing_chunks!r}.')
    if damaged_chunks not in get_args(DamagedChunks):
        raise VolumeError(f'damaged_chunks must be "error" or "fill", got {damaged_chunks!r}.')
    overrides = Overrides(
        axes=axes,
        spacing=spacing,
        units=units,
        translation=translation,
        name=name,
        missing_chunks=missing_chunks,
        damaged_chunks=damaged_chunks,
    )
    if isinstance(source, Volume):
        return _reopen(source, overrides)
    return _with_answers(make_volume(_find(source, missing_chunks), overrides), overrides)


def _reopen(volume: Volume, overrides: Overrides) -> Volume:
    asked = Overrides(missing_chunks=overrides.missing_chunks, damaged_chunks=overrides.damaged_chunks)
    if overrides != asked:
        volume = make_volume(Found.of(volume), overrides)
    return _with_answers(volume, overrides)


def _with_answers(volume: Volume, overrides: Overrides) -> Volume:
    # The defaults are what nobody asked for: the answers chosen when the volume was opened stay.
    missing = None if overrides.missing_chunks == "warn" else overrides.missing_chunks
    damaged = None if overrides.damaged_chunks == "error" else overrides.damaged_chunks
    return volume if missing is None and damaged is None else with_chunk_policy(volume, missing, damaged)


def _find(source: Any, missing_chunks: MissingChunks) -> Found:
    if isinstance(source, str) and "://" in source:
        return find_zarr_at(source, missing_chunks)
    if isinstance(source, str | os.PathLike):
        return _find_path(Path(source), missing_chunks)
    if is_zarr(source):
        return find_zarr(source, missing_chunks)
    if is_layer(source):
        return find_layer(source, missing_chunks)
    found = find_array(source)
    if found is None:
        raise VolumeError(
            f"source must be a path, an array or a napari image or labels layer, got {type(source).__name__}; "
            f"paths may lead to {KINDS}."
        )
    return found


def _find_path(path: Path, missing_chunks: MissingChunks) -> Found:
    path = path.expanduser()
    try:
        if not path.exists():
            raise VolumeNotFoundError(f"The volume {str(path)!r} does not exist; check the path.")
        if path.is_dir():
            return find_zarr_at(str(path), missing_chunks)
        with path.open("rb") as file:
            head = file.read(8)
    except PermissionError:
        raise VolumeError(f"The volume {str(path)!r} may not be read; check its permissions.") from None
    return _find_file(path, head, missing_chunks)


def _find_file(path: Path, head: bytes, missing_chunks: MissingChunks) -> Found:
    if head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return find_tiff(path, missing_chunks)
    if is_nifti_name(path):
        return find_nifti(path)
    if head[:6] == b"\x93NUMPY":
        return find_npy(path)
    what = "is empty" if not head else f"begins with {head!r}"
    raise VolumeError(f"The file {str(path)!r} is no volume (it {what}); a volume is one of {KINDS}.")
