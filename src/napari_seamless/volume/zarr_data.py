"""A zarr array that notices missing chunks and names damaged ones."""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.core.sync import sync

from napari_seamless.errors import VolumeError
from napari_seamless.volume.slicing import drop_integers, whole_slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import zarr

    from napari_seamless.volume.found import MissingChunks

Index = tuple[int, ...]


class ZarrData:
    """Read a zarr array part by part; safe to read from several threads.

    Zarr reads a chunk that its store lacks as the fill value, without a word. Writers leave out chunks that hold
    nothing but the fill value, so a missing chunk may be harmless, and it may be a lost file: this class tells.
    A stored unit (a chunk, or a shard of a sharded array) is looked up in the store only after a part of it came back
    as nothing but the fill value, and only once. A chunk missing inside a shard that exists is not noticed.

    Parameters
    ----------
    array : zarr.Array
        What is read.
    label : str
        How messages name it, such as ``"brain.zarr/0"``.
    missing_chunks : {"warn", "error", "fill"}
        Remember missing chunks in `missing_chunks`; raise for the first one; or do not look.
    in_one_file : bool
        Whether all chunks lie in one file, such as a TIFF, so that none can be restored alone.
    """

    def __init__(
        self,
        array: zarr.Array[Any],
        label: str,
        missing_chunks: MissingChunks = "warn",
        *,
        in_one_file: bool = False,
    ) -> None:
        self.array = array
        self.label = label
        self.in_one_file = in_one_file
        self.policy: MissingChunks = missing_chunks
        self._absent: dict[Index, bool] = {}
        self._lock = threading.Lock()

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels."""
        return tuple(int(n) for n in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of an element."""
        return np.dtype(self.array.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

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
        with self._lock:
            return tuple(sorted(index for index, absent in self._absent.items() if absent))

    def with_policy(self, missing_chunks: MissingChunks) -> ZarrData:
        """Return the same array with another answer to missing chunks."""
        return ZarrData(self.array, self.label, missing_chunks, in_one_file=self.in_one_file)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.array, self.label, self.policy, self.in_one_file)

    def __repr__(self) -> str:
        return f"<ZarrData {self.label} shape={self.shape} dtype={self.dtype}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.asarray(self[...], dtype=dtype)

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
        except Exception as error:  # every codec and every store raises errors of its own
            raise self._damage(slices, error) from error
        if self.policy != "fill":
            self._look_for_missing(slices, part)
        return drop_integers(part, key)

    def _damage(self, slices: tuple[slice, ...], error: Exception) -> VolumeError:
        """Probe chunk by chunk and return an error that names the first one that cannot be read."""
        ranges = [range(s.start // c, -(-s.stop // c)) for s, c in zip(slices, self.chunks, strict=True)]
        for index in itertools.product(*ranges):
            try:
                self.array[tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, self.chunks, strict=True))]
            except Exception as probed:  # noqa: BLE001  as above
                return VolumeError(self._damage_text(index, probed))
        return VolumeError(f"{self.label} cannot be read at {_text(slices)} ({_reason(error)}); try again.")

    def _damage_text(self, index: Index, error: Exception) -> str:
        units = tuple(i * c // s for i, c, s in zip(index, self.chunks, self.stored_chunks, strict=True))
        key = self.array.metadata.encode_chunk_key(units)
        where = f"chunk {index} of {self.label}"
        if self.array.shards:
            where += f" (in shard {units})"
        if self.in_one_file:
            return f"{where} cannot be read ({_reason(error)}); restore the file from a copy."
        return (
            f"{where} cannot be read ({_reason(error)}); restore {key!r} from a copy, "
            f"or delete it to have it read as the fill value {self.array.fill_value}."
        )

    def _look_for_missing(self, slices: tuple[slice, ...], part: np.ndarray[Any, Any]) -> None:
        suspects = list(self._suspects(slices, part))
        with self._lock:
            unknown = [index for index in suspects if index not in self._absent]
        if unknown:
            present = sync(self._exist(unknown))
            with self._lock:
                self._absent.update((i, not there) for i, there in zip(unknown, present, strict=True))
        if self.policy == "error":
            self._refuse_missing(suspects)

    def _refuse_missing(self, suspects: list[Index]) -> None:
        with self._lock:
            absent = [index for index in suspects if self._absent[index]]
        if absent:
            key = self.array.metadata.encode_chunk_key(absent[0])
            kind = "shard" if self.array.shards else "chunk"
            raise VolumeError(
                f"{kind} {absent[0]} of {self.label} is missing ({key!r} is not in the store); restore it from a copy, "
                f'or pass missing_chunks="warn" to read it as the fill value {self.array.fill_value}.'
            )

    def _suspects(self, slices: tuple[slice, ...], part: np.ndarray[Any, Any]) -> Iterator[Index]:
        """Yield the stored units of which nothing but the fill value was read."""
        if part.size == 0:
            return
        per_axis = [list(_units_along(s, unit)) for s, unit in zip(slices, self.stored_chunks, strict=True)]
        fill = np.asarray(self.array.fill_value if self.array.fill_value is not None else 0).astype(part.dtype)[()]
        for units in itertools.product(*per_axis):
            piece = part[tuple(where for _, where in units)]
            if _is(piece[(0,) * piece.ndim], fill) and bool(np.all(_is(piece, fill))):
                yield tuple(i for i, _ in units)

    async def _exist(self, indices: Iterable[Index]) -> list[bool]:
        keys = [self.array.metadata.encode_chunk_key(index) for index in indices]
        prefix = f"{self.array.path}/" if self.array.path else ""
        return list(await asyncio.gather(*(self.array.store.exists(prefix + key) for key in keys)))


def _reopen(array: zarr.Array[Any], label: str, policy: MissingChunks, in_one_file: bool) -> ZarrData:
    """Make the object anew in another process; what was found missing is looked up again."""
    return ZarrData(array, label, policy, in_one_file=in_one_file)


def _units_along(taken: slice, unit: int) -> Iterator[tuple[int, slice]]:
    """Yield each stored unit that a slice of positive step meets, and where its voxels lie in what was read."""
    step = taken.step or 1
    for i in range(taken.start // unit, -(-taken.stop // unit)):
        first = max(0, math.ceil((i * unit - taken.start) / step))
        last = max(0, math.ceil((min((i + 1) * unit, taken.stop) - taken.start) / step))
        if last > first:
            yield i, slice(first, last)


def _is(values: Any, fill: Any) -> Any:
    return np.isnan(values) if fill != fill else values == fill  # noqa: PLR0124  NaN is not itself


def _text(slices: tuple[slice, ...]) -> str:
    return "[" + ", ".join(f"{s.start}:{s.stop}" for s in slices) + "]"


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
