"""Chunks that the store of a zarr array lacks: remembered, or refused."""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.core.sync import sync

from napari_seamless.errors import VolumeError
from napari_seamless.volume.damaged_chunks import fill_value
from napari_seamless.volume.slicing import units_along

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import zarr

    from napari_seamless.volume.found import MissingChunks

Index = tuple[int, ...]


class MissingWatch:
    """Looks for missing chunks in what was read; safe to use from several threads.

    A stored unit (a chunk, or a shard of a sharded array) is looked up in the store only after a part of it came back
    as nothing but the fill value, and only once. A chunk missing inside a shard that exists is not noticed.

    Parameters
    ----------
    array : zarr.Array
        What is read.
    label : str
        How messages name it.
    policy : {"warn", "error", "fill"}
        Remember what is missing; raise for the first one; or do not look.
    """

    def __init__(self, array: zarr.Array[Any], label: str, policy: MissingChunks) -> None:
        self.policy: MissingChunks = policy
        self._array = array
        self._label = label
        self._absent: dict[Index, bool] = {}
        self._lock = threading.Lock()

    @property
    def found(self) -> tuple[Index, ...]:
        """Indices, in stored units, of what was read so far and is not in the store."""
        with self._lock:
            return tuple(sorted(index for index, absent in self._absent.items() if absent))

    def look(self, slices: tuple[slice, ...], part: np.ndarray[Any, Any]) -> None:
        """Look for missing chunks behind slices of positive step.

        Parameters
        ----------
        slices : tuple of slice
            What was read.
        part : numpy.ndarray
            What came.

        Raises
        ------
        VolumeError
            A chunk is missing and the policy is ``"error"``.
        """
        if self.policy == "fill":
            return
        suspects = list(self._suspects(slices, part))
        with self._lock:
            unknown = [index for index in suspects if index not in self._absent]
        if unknown:
            present = sync(self._exist(unknown))
            with self._lock:
                self._absent.update((i, not there) for i, there in zip(unknown, present, strict=True))
        if self.policy == "error":
            self._refuse(suspects)

    def _refuse(self, suspects: list[Index]) -> None:
        with self._lock:
            absent = [index for index in suspects if self._absent[index]]
        if absent:
            key = self._array.metadata.encode_chunk_key(absent[0])
            kind = "shard" if self._array.shards else "chunk"
            raise VolumeError(
                f"{kind} {absent[0]} of {self._label} is missing ({key!r} is not in the store); restore it from a "
                f'copy, or pass missing_chunks="warn" to read it as the fill value {self._array.fill_value}.'
            )

    def _suspects(self, slices: tuple[slice, ...], part: np.ndarray[Any, Any]) -> Iterator[Index]:
        """Yield the stored units of which nothing but the fill value was read."""
        if part.size == 0:
            return
        stored = self._array.shards or self._array.chunks
        per_axis = [list(units_along(s, unit)) for s, unit in zip(slices, stored, strict=True)]
        fill = fill_value(self._array)
        for units in itertools.product(*per_axis):
            piece = part[tuple(where for _, where in units)]
            if _is(piece[(0,) * piece.ndim], fill) and bool(np.all(_is(piece, fill))):
                yield tuple(i for i, _ in units)

    async def _exist(self, indices: Iterable[Index]) -> list[bool]:
        keys = [self._array.metadata.encode_chunk_key(index) for index in indices]
        prefix = f"{self._array.path}/" if self._array.path else ""
        return list(await asyncio.gather(*(self._array.store.exists(prefix + key) for key in keys)))


def _is(values: Any, fill: Any) -> Any:
    return np.isnan(values) if fill != fill else values == fill  # noqa: PLR0124  NaN is not itself
