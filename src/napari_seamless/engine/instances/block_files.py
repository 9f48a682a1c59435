"""The pieces of every block on disk, until they have their numbers."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numcodecs.zstd import Zstd

from napari_seamless.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_seamless.engine.instances.layout import Index, Layout

Array = np.ndarray[Any, Any]

_CODEC = Zstd(level=1)


@dataclass(frozen=True, slots=True)
class BlockFiles:
    """A file for each block, and one for each of its first faces, which the blocks before it need.

    Parameters
    ----------
    folder : pathlib.Path
        An empty folder.
    layout : Layout
        The blocks.
    """

    folder: Path
    layout: Layout

    def write(self, index: Index, labels: Array) -> None:
        """Store the pieces of a block, (z, y, x) uint32.

        Raises
        ------
        StorageError
            The disk is full or cannot be written.
        """
        with self._telling():
            self._path(index).write_bytes(_CODEC.encode(np.ascontiguousarray(labels)))
            for axis in range(3):
                face = np.ascontiguousarray(labels.take([0], axis))
                self._path(index, axis).write_bytes(_CODEC.encode(face))

    def read(self, index: Index) -> Array:
        """Return the pieces of a block, (z, y, x) uint32, read-only."""
        return self._decoded(self._path(index), self.layout.box(index).shape)

    def read_with_next(self, index: Index, firsts: Array) -> Array:
        """Return the pieces of a block and of the first voxels of the blocks after it, numbered across blocks.

        Parameters
        ----------
        index : tuple of int
            The block.
        firsts : numpy.ndarray
            (block,) int64: what is added to the numbers of a block.

        Returns
        -------
        numpy.ndarray
            (z, y, x) int64: one voxel more than the block along each axis where there is one; 0 for background.
        """
        box = self.layout.box(index)
        found = np.zeros(self.layout.grown(box, 0, 1).shape, np.int64)
        for step in itertools.product((0, 1), repeat=3):
            near = tuple(i + s for i, s in zip(index, step, strict=True))
            if any(i >= n for i, n in zip(near, self.layout.grid, strict=True)):
                continue
            part = self._first(near, step) if any(step) else self.read(index)
            place = tuple(slice(n, n + 1) if s else slice(0, n) for s, n in zip(step, box.shape, strict=True))
            np.add(part, firsts[self.layout.number(near)], out=found[place], where=part > 0)
        return found

    def _first(self, index: Index, step: Index) -> Array:
        """Return the first voxels of a block along the axes of a step, and all along the others."""
        axis = step.index(1)
        shape = self.layout.box(index).shape
        face = tuple(1 if i == axis else n for i, n in enumerate(shape))
        return self._decoded(self._path(index, axis), face)[tuple(slice(0, 1) if s else slice(None) for s in step)]

    def _decoded(self, path: Path, shape: Index) -> Array:
        with self._telling():
            encoded = path.read_bytes()
        return np.frombuffer(_CODEC.decode(encoded), np.uint32).reshape(shape)

    def _path(self, index: Index, axis: int | None = None) -> Path:
        return self.folder / ("-".join(map(str, index)) + ("" if axis is None else f".{axis}"))

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"Pieces of instances do not fit into {self.folder} ({error.strerror or error}); "
                "free disk space beside the output."
            ) from error
