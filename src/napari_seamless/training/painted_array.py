"""An array over painted chunks: the keys of NumPy that painting needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import SettingsError
from napari_seamless.training.chunk_keys import is_points, parts_of_box, points_by_chunk, points_of
from napari_seamless.volume.slicing import drop_integers, full_key, whole_slices

if TYPE_CHECKING:
    from napari_seamless.training.canvas import Canvas
    from napari_seamless.training.chunk_keys import Index
    from napari_seamless.training.chunk_memory import ChunkMemory

Array = np.ndarray[Any, Any]

_LARGEST_WHOLE = 2**32
"""Voxels up to which the painting as a whole becomes an array."""


class PaintedArray:
    """What is painted, as an array; only chunks that hold paint are touched.

    Parameters
    ----------
    canvas : Canvas
        Shape, type and the values that are allowed.
    chunks : ChunkMemory
        Where the voxels are.
    """

    def __init__(self, canvas: Canvas, chunks: ChunkMemory) -> None:
        self.canvas = canvas
        self._chunks = chunks

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis in voxels."""
        return self.canvas.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8, or uint16 for more than 255 classes."""
        return self.canvas.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.canvas.shape)

    @property
    def size(self) -> int:
        """Number of voxels, painted or not."""
        return math.prod(self.canvas.shape)

    @property
    def chunks(self) -> tuple[int, ...]:
        """Voxels of a chunk along each axis."""
        return self.canvas.chunk

    def __getitem__(self, key: Any) -> Array:
        """Read voxels; always a new array, or a number for a key of integers.

        Raises
        ------
        IndexError
            A coordinate is outside, or the key is of another kind.
        VolumeError
            A chunk on the disk is damaged.
        """
        if is_points(key):
            return self._read_points(*points_of(key, self.shape))
        box = whole_slices(key, self.shape)
        part = np.zeros([len(range(s.start, s.stop, s.step)) for s in box], self.dtype)
        with self._chunks.lock:
            for index, here, there in parts_of_box(box, self.chunks, self._chunks.painted):
                part[there] = self._chunks.read(index)[here]
        whole = drop_integers(part, key)
        return whole if whole.ndim else whole[()]

    def __setitem__(self, key: Any, value: Any) -> None:
        """Paint voxels, or erase with 0.

        Raises
        ------
        IndexError
            A coordinate is outside, or the key is of another kind.
        SettingsError
            A value is no class.
        """
        values = self._checked(value)
        if is_points(key):
            self._paint_points(*points_of(key, self.shape), values)
        else:
            self._paint_box(key, values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.size > _LARGEST_WHOLE:
            raise SettingsError(f"The corrections have {self.size} voxels and do not fit into one array; read a part.")
        return np.asarray(self[...], dtype=dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def _read_points(self, shape: tuple[int, ...], points: tuple[Array, ...]) -> Array:
        values = np.zeros(points[0].size, self.dtype)
        with self._chunks.lock:
            for index, inside, which in points_by_chunk(points, self.shape, self.chunks):
                if index in self._chunks.painted:
                    values[which] = self._chunks.read(index).ravel()[inside]
        return values.reshape(shape)

    def _paint_points(self, shape: tuple[int, ...], points: tuple[Array, ...], values: Array) -> None:
        flat = np.broadcast_to(values, shape).ravel()
        with self._chunks.lock:
            for index, inside, which in points_by_chunk(points, self.shape, self.chunks):
                self._put(index, inside, flat[which])

    def _paint_box(self, key: Any, values: Array) -> None:
        box = whole_slices(key, self.shape)
        lengths = [len(range(s.start, s.stop, s.step)) for s in box]
        kept = [isinstance(entry, slice) for entry in full_key(key, self.ndim)]
        shown = [n for n, keep in zip(lengths, kept, strict=True) if keep]
        whole = np.broadcast_to(values, shown).reshape(lengths) if shown else np.broadcast_to(values, lengths)
        with self._chunks.lock:
            for index, here, there in parts_of_box(box, self.chunks):
                self._put(index, here, whole[there])

    def _put(self, index: Index, where: Any, values: Array) -> None:
        """Change a chunk, but not for nothing: erasing where nothing is painted makes no chunk."""
        if index not in self._chunks.painted and not values.any():
            return
        chunk = self._chunks.read(index)
        view = chunk if isinstance(where, tuple) else chunk.reshape(-1)
        if not np.array_equal(view[where], values):
            self._chunks.change(index)
            view[where] = values

    def _checked(self, value: Any) -> Array:
        values = np.asarray(value)
        n = len(self.canvas.classes) or np.iinfo(self.dtype).max
        if values.dtype.kind not in "biu":
            raise SettingsError(f"painted values must be whole numbers from 0 to {n}, got {values.dtype}.")
        if values.size and (values.min() < 0 or values.max() > n):
            wrong = int(values.min() if values.min() < 0 else values.max())
            raise SettingsError(
                f"painted values are 0 for unpainted and 1 to {n} for the classes "
                f"{', '.join(self.canvas.classes) or 'in order'}, got {wrong}; choose one of these."
            )
        return values.astype(self.dtype)
