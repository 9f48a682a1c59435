"""Chunks of a zarr array that cannot be decoded: named, or read as the fill value by choice."""

from __future__ import annotations

import errno
import itertools
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.core.sync import sync

from napari_seamless.errors import VolumeError
from napari_seamless.volume.slicing import units_along

if TYPE_CHECKING:
    import zarr

    from napari_seamless.volume.found import DamagedChunks

Index = tuple[int, ...]


class DamageControl:
    """Reads chunk by chunk what could not be read at once; safe to use from several threads.

    Parameters
    ----------
    array : zarr.Array
        What is read.
    label : str
        How messages name it.
    policy : {"error", "fill"}
        Raise for the first damaged chunk, or read it as the fill value and remember it.
    in_one_file : bool
        Whether all chunks lie in one file, so that none can be restored alone.
    """

    def __init__(self, array: zarr.Array[Any], label: str, policy: DamagedChunks, *, in_one_file: bool) -> None:
        self.policy: DamagedChunks = policy
        self._array = array
        self._label = label
        self._in_one_file = in_one_file
        self._found: set[Index] = set()
        self._lock = threading.Lock()

    @property
    def found(self) -> tuple[Index, ...]:
        """Indices of the chunks that were read as the fill value so far."""
        with self._lock:
            return tuple(sorted(self._found))

    def read(self, slices: tuple[slice, ...]) -> np.ndarray[Any, Any]:
        """Return the voxels of slices of positive step.

        Raises
        ------
        VolumeError
            A chunk is damaged and the policy is ``"error"``, or the store does not answer.
        """
        per_axis = [list(units_along(s, chunk)) for s, chunk in zip(slices, self._array.chunks, strict=True)]
        shape = tuple(len(range(s.start, s.stop, s.step)) for s in slices)
        part = np.full(shape, fill_value(self._array), dtype=self._array.dtype)
        for chosen in itertools.product(*per_axis):
            index, where = tuple(i for i, _ in chosen), tuple(w for _, w in chosen)
            if index in self._found:
                continue
            try:
                part[where] = self._array[tuple(_within(s, w) for s, w in zip(slices, where, strict=True))]
            except MemoryError:
                raise
            except Exception as error:  # every codec and every store raises errors of its own
                if self.policy == "error" or not self._is_damage(index, error):
                    raise VolumeError(self._text(index, error)) from error
                with self._lock:
                    self._found.add(index)
        return part

    def _is_damage(self, index: Index, error: Exception) -> bool:
        """Tell a chunk that is there and cannot be decoded from a store that cannot be reached."""
        if isinstance(error, TimeoutError | ConnectionError):
            return False
        if isinstance(error, OSError) and error.errno not in {None, errno.EIO}:
            return False  # no permission, too many open files: nothing is wrong with the chunk
        return bool(sync(self._array.store.exists(self._key(index)[1])))

    def _key(self, index: Index) -> tuple[Index, str]:
        """Return which stored unit a chunk lies in, and its key in the store."""
        stored = self._array.shards or self._array.chunks
        units = tuple(i * c // s for i, c, s in zip(index, self._array.chunks, stored, strict=True))
        prefix = f"{self._array.path}/" if self._array.path else ""
        return units, prefix + self._array.metadata.encode_chunk_key(units)

    def _text(self, index: Index, error: Exception) -> str:
        units, _ = self._key(index)
        key = self._array.metadata.encode_chunk_key(units)
        where = f"chunk {index} of {self._label}"
        if self._array.shards:
            where += f" (in shard {units})"
        fill = f'damaged_chunks="fill" to have such chunks read as the fill value {self._array.fill_value}'
        restore = "the file" if self._in_one_file else repr(key)
        return f"{where} cannot be read ({_reason(error)}); restore {restore} from a copy, or pass {fill}."


def fill_value(array: zarr.Array[Any]) -> Any:
    """Return what an array holds where its store has nothing."""
    return np.asarray(array.fill_value if array.fill_value is not None else 0).astype(array.dtype)[()]


def _within(taken: slice, where: slice) -> slice:
    """Return the part of a slice that holds its elements `where`."""
    first = taken.start + where.start * taken.step
    return slice(first, first + (where.stop - where.start - 1) * taken.step + 1, taken.step)


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
