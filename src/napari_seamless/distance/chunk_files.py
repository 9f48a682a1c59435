"""Squared distances on disk, between two passes."""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import StorageError
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Array = np.ndarray[Any, np.dtype[np.float32]]
Index = tuple[int, ...]

_FLOAT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFiles:
    """One array cut into chunks, a file of plain float32 for each: columns along any axis are quick to read.

    Nothing is mapped into memory: mapped pages would count as memory of the process.

    Parameters
    ----------
    folder : pathlib.Path
        An empty folder.
    shape, chunk : tuple of int
        Voxels of the array and of a chunk per axis; chunks at the end are cut.
    """

    folder: Path
    shape: tuple[int, ...]
    chunk: tuple[int, ...]

    def box(self, index: Index) -> Box:
        """Return the voxels of a chunk."""
        start = tuple(i * c for i, c in zip(index, self.chunk, strict=True))
        return Box(start, tuple(min(a + c, n) for a, c, n in zip(start, self.chunk, self.shape, strict=True)))

    def touching(self, box: Box) -> Iterator[Index]:
        """Yield the chunks that share a voxel with a box, in raster order."""
        spans = zip(box.start, box.stop, self.chunk, strict=True)
        return itertools.product(*(range(a // c, -(-b // c)) for a, b, c in spans))

    def write(self, box: Box, block: Array) -> None:
        r"""Store a block; along every axis but the first it holds whole chunks. Threads may write others side by side.

        Parameters
        ----------
        box : Box
            Its voxels.
        block : numpy.ndarray
            (\*box.shape) float32.

        Raises
        ------
        StorageError
            The disk is full or cannot be written.
        """
        for index in self.touching(box):
            chunk = self.box(index)
            part = chunk.intersect(box)
            values = np.ascontiguousarray(block[part.within(box.start).slices])
            before = (part.start[0] - chunk.start[0]) * (values.size // values.shape[0])
            with self._telling():
                handle = os.open(self._path(index), os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
                with os.fdopen(handle, "r+b", buffering=0) as file:
                    file.seek(before * _FLOAT)
                    view = values.data.cast("B")
                    while view:
                        view = view[file.write(view) :]

    def read(self, box: Box) -> Array:
        r"""Read a box of whole chunks.

        Returns
        -------
        numpy.ndarray
            (\*box.shape) float32.

        Raises
        ------
        StorageError
            A file cannot be read, or is shorter than its chunk.
        """
        block = np.empty(box.shape, np.float32)
        for index in self.touching(box):
            chunk = self.box(index)
            target = block[chunk.within(box.start).slices]
            values = target if target.flags.c_contiguous else np.empty(chunk.shape, np.float32)
            self._read_into(index, values)
            if values is not target:
                target[...] = values
        return block

    def remove(self, box: Box) -> None:
        """Remove the files of a box of whole chunks, so that the disk has room for what is made of them."""
        for index in self.touching(box):
            self._path(index).unlink(missing_ok=True)

    def _read_into(self, index: Index, values: Array) -> None:
        with self._telling(), self._path(index).open("rb", buffering=0) as file:
            view = values.data.cast("B")
            while view:
                n = file.readinto(view)
                if not n:
                    raise OSError("a file ends too early")
                view = view[n:]

    def _path(self, index: Index) -> Path:
        return self.folder / ("-".join(map(str, index)) + ".f32")

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"Distances between two passes do not fit into {self.folder} ({error.strerror or error}); "
                "free disk space beside the output: a class takes 4 bytes a voxel until its map is written."
            ) from error
