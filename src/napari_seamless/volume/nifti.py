"""NIfTI files: read through nibabel's array proxy, axes reversed, orientation kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import MissingDependencyError, VolumeError
from napari_seamless.volume.found import Found
from napari_seamless.volume.lazy_data import LazyData
from napari_seamless.volume.names import short_name
from napari_seamless.volume.slicing import full_key

if TYPE_CHECKING:
    from pathlib import Path

_AXES = "xyztc"  # the order of the standard's dim[1] to dim[5]

PLANES_BYTES = 2**20
"""Bytes of the planes that are read at once, about; never less than one plane."""


class NiftiData(LazyData):
    """Read a NIfTI image with its axes reversed, so that the fastest is the last; intensities are scaled on the way.

    Parameters
    ----------
    proxy : nibabel.arrayproxy.ArrayProxy
        What is read; it seeks, and it locks.
    label : str
        How messages name it.
    """

    def __init__(self, proxy: Any, label: str) -> None:
        self.proxy = proxy
        self.label = label
        scaled = (float(proxy.slope), float(proxy.inter)) != (1.0, 0.0)
        # The header's slope and intercept turn integers into real numbers.
        self._dtype: np.dtype[Any] = np.dtype(np.float64) if scaled else np.dtype(proxy.dtype).newbyteorder("=")

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels."""
        return tuple(int(n) for n in reversed(self.proxy.shape))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of an element."""
        return self._dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        """Voxels per axis of what is best read at once: whole planes, for a compressed file is read from its start.

        Backwards in such a file means to begin anew, so boxes that are read one after the other cost more the
        farther from its start they lie; planes in their order cost one pass.
        """
        plane = math.prod(self.shape[-2:]) * self.dtype.itemsize
        planes = max(1, PLANES_BYTES // max(1, plane))
        return tuple(
            n if axis >= self.ndim - 2 else min(n, planes) if axis == self.ndim - 3 else 1
            for axis, n in enumerate(self.shape)
        )

    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        """Read the voxels that integers and slices name.

        Raises
        ------
        VolumeError
            The file is cut off or damaged.
        """
        reverse = tuple(reversed(full_key(key, len(self.shape))))
        try:
            part = np.asarray(self.proxy[reverse])
        except (IndexError, MemoryError):
            raise
        except Exception as error:  # zlib, indexed-gzip and the file system each raise errors of their own
            raise VolumeError(
                f"{self.label} cannot be read at {key!r} ({error}); the file is cut off or damaged, restore it."
            ) from error
        return part.T.astype(self.dtype, copy=False)


def is_nifti_name(path: Path) -> bool:
    """Tell whether a file name is one of a NIfTI image."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def find_nifti(path: Path) -> Found:
    """Return what the header of a NIfTI file says.

    The voxels keep the order of the file: nothing is flipped or rotated into a standard orientation. The affine
    matrix from voxel (z, y, x, 1) to world (x, y, z, 1) says where they lie (world axes point right, anterior and
    superior of the patient). Where it is neither rotated nor flipped, its offset is the translation as well.

    Raises
    ------
    MissingDependencyError
        nibabel is not installed.
    VolumeError
        The file is no NIfTI image.
    """
    try:
        import nibabel
    except ImportError as error:
        raise MissingDependencyError(
            f'Opening {str(path)!r} needs nibabel, which is not installed; pip install "napari-seamless[nifti]".'
        ) from error
    try:
        image: Any = nibabel.load(path)
        data = NiftiData(image.dataobj, path.name)
        header, affine = image.header, np.asarray(image.affine, dtype=np.float64)
        zooms, unit = [float(zoom) for zoom in header.get_zooms()], header.get_xyzt_units()[0]
    except Exception as error:  # nibabel raises errors of many kinds for damaged headers
        raise VolumeError(f"The file {str(path)!r} is no readable NIfTI image ({error}).") from error
    ndim = len(data.shape)
    if ndim > len(_AXES):
        raise VolumeError(f"The file {str(path)!r} has {ndim} dimensions; at most {len(_AXES)} are understood.")
    axes = tuple(reversed(_AXES[:ndim]))
    return Found(
        name=short_name(str(path)),
        arrays=(data,),
        axes=axes,
        scales=(tuple(reversed(zooms)),),
        translations=(tuple(reversed(_offset(affine, ndim))),),
        units=tuple(unit if axis in "xyz" else None for axis in axes),
        source=str(path),
        affine=affine[:, [2, 1, 0, 3]] if ndim >= 3 else None,
    )


def _offset(affine: np.ndarray[Any, Any], ndim: int) -> list[float]:
    """Return the position of the first voxel in the order of the file, zero where the affine turns or flips axes."""
    matrix = affine[:3, :3]
    straight = np.allclose(matrix, np.diag(np.diag(matrix))) and bool(np.all(np.diag(matrix) > 0))
    offset = affine[:3, 3].tolist() if straight else [0.0, 0.0, 0.0]
    return (offset + [0.0] * ndim)[:ndim]
