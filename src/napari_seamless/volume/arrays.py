"""Arrays in memory, memory-mapped, in torch or behind dask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.errors import VolumeError
from napari_seamless.volume.found import Found
from napari_seamless.volume.lazy_data import LazyData
from napari_seamless.volume.names import short_name

if TYPE_CHECKING:
    from pathlib import Path


class TensorData(LazyData):
    """Read a torch tensor, on any device, as NumPy arrays; bfloat16 is read as float32.

    Parameters
    ----------
    tensor : torch.Tensor
        What is read; on the CPU its memory is shared, elsewhere only what is named is copied.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor.detach()

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels."""
        return tuple(self.tensor.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of an element as NumPy knows it."""
        dtype: np.dtype[Any] = _as_numpy(torch.empty(0, dtype=self.tensor.dtype)).dtype
        return dtype

    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        return _as_numpy(self.tensor[key])


def _as_numpy(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    return np.asarray((tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy())


def find_array(source: Any, name: str = "array") -> Found | None:
    """Return what is known of an array, None where the source is no array.

    Parameters
    ----------
    source : Any
        Has a shape, a dtype and slicing, and stays as it is; a torch tensor is wrapped; a list is no array.
    name : str
        Name for layers and messages.
    """
    if isinstance(source, torch.Tensor):
        if source.layout != torch.strided:
            raise VolumeError(f"A tensor must be dense to be a volume, got {source.layout}; call to_dense() first.")
        return Found(name=name, arrays=(TensorData(source),))
    if not all(hasattr(source, attribute) for attribute in ("shape", "dtype", "__getitem__")):
        return None
    path = getattr(source, "filename", None) if isinstance(source, np.memmap) else None
    if path is not None:
        return Found(name=short_name(str(path)), arrays=(source,), source=str(path))
    names = getattr(source, "name", None)
    # dask names are hashes; xarray names are meant for people
    known = names if isinstance(names, str) and hasattr(source, "dims") else name
    return Found(name=known, arrays=(source,))


def find_npy(path: Path) -> Found:
    """Map a .npy file into memory."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise VolumeError(f"The file {str(path)!r} cannot be mapped as a .npy array ({error}).") from error
    return Found(name=short_name(str(path)), arrays=(array,), source=str(path))
