"""A zarr array that notices missing chunks and names, or skips, damaged ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.volume.damaged_chunks import DamageControl
from napari_seamless.volume.lazy_data import LazyData
from napari_seamless.volume.missing_chunks import MissingWatch
from napari_seamless.volume.slicing import drop_integers, whole_slices

if TYPE_CHECKING:
    import zarr

    from napari_seamless.volume.found import DamagedChunks, MissingChunks

Index = tuple[int, ...]


class ZarrData(LazyData):
    """Read a zarr array part by part; safe to read from several threads.

    Zarr reads a chunk that its store lacks as the fill value, without a word. Writers leave out chunks that hold
    nothing but the fill value, so a missing chunk may be harmless, and it may be a lost file: this class tells.

    Parameters
    ----------
    array : zarr.Array
        What is read.
    label : str
        How messages name it, such as ``"brain.zarr/0"``.
    missing_chunks : {"warn", "error", "fill"}
        Remember missing chunks in `missing_chunks`; raise for the first one; or do not look.
    damaged_chunks : {"error", "fill"}
        Raise for the first chunk that cannot be decoded; or read it as the fill value and remember it in
        `damaged_chunks`.
    in_one_file : bool
        Whether all chunks lie in one file, such as a TIFF, so that none can be restored alone.
    """

    def __init__(
        self,
        array: zarr.Array[Any],
        label: str,
        missing_chunks: MissingChunks = "warn",
        damaged_chunks: DamagedChunks = "error",
        *,
        in_one_file: bool = False,
    ) -> None:
        self.array = array
        self.label = label
        self.in_one_file = in_one_file
        self._missing = MissingWatch(array, label, missing_chunks)
        self._damaged = DamageControl(array, label, damaged_chunks, in_one_file=in_one_file)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels."""
        return tuple(int(n) for n in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of an element."""
        return np.dtype(self.array.dtype)

    @property
    def chunks(self) -> tuple[int, ...]:
        """Voxels per axis of what is decoded at once."""
        return tuple(self.array.chunks)

    @property
    def stored_chunks(self) -> tuple[int, ...]:
        """Voxels per axis of what lies under one key of the store: a shard, or a chunk where there are none."""
        return tuple(self.array.shards or self.array.chunks)

    @property
    def missing_chunks(self) -> tuple[Index, ...]:
        """Indices, in units of `stored_chunks`, of what was read so far and is not in the store."""
        return self._missing.found

    @property
    def damaged_chunks(self) -> tuple[Index, ...]:
        """Indices, in units of `chunks`, of what was read so far and could not be decoded."""
        return self._damaged.found

    def with_policy(
        self, missing_chunks: MissingChunks | None = None, damaged_chunks: DamagedChunks | None = None
    ) -> ZarrData:
        """Return the same array with another answer to missing or damaged chunks; None keeps the answer."""
        missing, damaged = missing_chunks or self._missing.policy, damaged_chunks or self._damaged.policy
        return ZarrData(self.array, self.label, missing, damaged, in_one_file=self.in_one_file)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.array, self.label, self._missing.policy, self._damaged.policy, self.in_one_file)

    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        """Read the voxels that integers and slices of positive step name.

        Raises
        ------
        VolumeError
            A chunk cannot be read, or is missing and the policy is ``"error"``.
        """
        slices = whole_slices(key, self.shape)
        try:
            part = np.asarray(self.array[slices])
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001  every codec and every store raises errors of its own; read again, apart
            part = self._damaged.read(slices)
        self._missing.look(slices, part)
        return drop_integers(part, key)


def _reopen(
    array: zarr.Array[Any], label: str, missing: MissingChunks, damaged: DamagedChunks, in_one_file: bool
) -> ZarrData:
    """Make the object anew in another process; what was found there is looked up again."""
    return ZarrData(array, label, missing, damaged, in_one_file=in_one_file)
