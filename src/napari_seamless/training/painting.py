"""Corrections as a person paints them: an array of any size that holds only what is painted."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from napari_seamless.errors import OutputExistsError, StorageError
from napari_seamless.sinks import only_writer
from napari_seamless.training.chunk_files import ChunkFiles
from napari_seamless.training.chunk_memory import BUDGET_BYTES, ChunkMemory
from napari_seamless.training.painted_array import PaintedArray
from napari_seamless.types import Box

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from napari_seamless.training.canvas import Canvas
    from napari_seamless.training.chunk_files import Index

Array = np.ndarray[Any, Any]


def corrections_folder(source: str | os.PathLike[str]) -> Path:
    """Return the folder beside a volume where corrections of it belong.

    Examples
    --------
    >>> corrections_folder("scans/brain.ome.zarr").name
    'brain.corrections.zarr'
    """
    path = Path(source)
    name = path.name
    for ending in (".zarr", ".ome", ".gz", ".nii", ".tif", ".tiff", ".ome", ".npy"):
        name = name.removesuffix(ending)
    return path.with_name(f"{name or 'volume'}.corrections.zarr")


class Painting(PaintedArray):
    """Sparse corrections on a volume of any size, in a folder that is a Zarr array: 0 is unpainted, k + 1 is class k.

    Reading and writing take the keys of NumPy that painting needs: integers and slices, or an array of coordinates for
    each axis. Only chunks that hold paint exist, in memory and on the disk. A change is in memory at once, and a thread
    writes it within half a second, each chunk as a whole file that replaces the old one: a kill loses what was painted
    in that time and nothing else; a power cut may lose more, for nothing is forced to the disk. Several threads may
    read and paint; one process at a time holds the folder.

    Parameters
    ----------
    folder : path
        ``NAME.corrections.zarr``; made where it does not exist, else continued.
    canvas : Canvas
        Geometry and classes.
    on_error : callable, optional
        Takes the `StorageError` when changes cannot be written, from the writing thread, once until they can be again.
        Nothing is lost from memory, and writing is tried again every two seconds.
    budget_bytes : int
        Bytes of chunks that are kept in memory although they are on the disk.

    Raises
    ------
    SettingsError
        The folder holds corrections of another shape or other classes, or something else.
    StorageError
        The folder cannot be written.
    OutputExistsError
        Another process, or another painting, holds the folder.

    Examples
    --------
    >>> import tempfile
    >>> from napari_seamless.training.canvas import Canvas
    >>> canvas = Canvas(shape=(10**4, 10**4, 10**4), axes=("z", "y", "x"), spacing=(1.0, 1.0, 1.0), classes=("a", "b"))
    >>> with tempfile.TemporaryDirectory() as folder, Painting(f"{folder}/brain.corrections.zarr", canvas) as painting:
    ...     painting[5000, 20:30, 40:44] = 2
    ...     painting[5000, 19:22, 39:42].tolist(), painting.n_painted
    ([[0, 0, 0], [0, 2, 2], [0, 2, 2]], {1: 40})
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        canvas: Canvas,
        *,
        on_error: Callable[[StorageError], None] | None = None,
        budget_bytes: int = BUDGET_BYTES,
    ) -> None:
        self.folder = Path(folder)
        self._closed = False
        with ExitStack() as opened:
            try:
                opened.enter_context(only_writer(self.folder))
            except OutputExistsError:
                raise OutputExistsError(
                    f"The corrections {self.folder} are open elsewhere, in another window or process; close them there "
                    "first, or choose another folder."
                ) from None
            super().__init__(canvas, ChunkMemory(ChunkFiles(self.folder, canvas), on_error or _ignore, budget_bytes))
            self._opened = opened.pop_all()

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be painted any more."""
        return self._closed

    @property
    def version(self) -> int:
        """A number that grows with every change."""
        return self._chunks.version

    @property
    def n_unsaved(self) -> int:
        """Chunks that are not on the disk as they are now."""
        return self._chunks.n_unsaved

    @property
    def failure(self) -> StorageError | None:
        """Why the last attempt to write failed; None where it did not."""
        return self._chunks.failure

    @property
    def n_painted(self) -> dict[int, int]:
        """Number of voxels by class index, for the classes that are painted."""
        total = np.zeros(1, np.int64)
        for _, counts in self.chunk_counts():
            total = np.pad(total, (0, max(0, counts.size - total.size)))
            total[: counts.size] += counts
        return {value - 1: int(n) for value, n in enumerate(total) if value and n}

    def chunk_counts(self) -> Iterator[tuple[Box, Array]]:
        """Yield the box of each painted chunk, in raster order, and its voxels by value, int64, but for those of 0."""
        with self._chunks.lock:
            indices = sorted(self._chunks.painted)
        for index in indices:
            counts = self._chunks.counts(index)
            if counts[1:].any():
                yield self._box(index), counts

    def painted(self) -> Iterator[tuple[Box, Array]]:
        """Yield the box of each painted chunk, in raster order, and a copy of its values."""
        for box, _ in self.chunk_counts():
            yield box, self[box.slices]

    def __setitem__(self, key: Any, value: Any) -> None:
        """Paint voxels, or erase with 0; it is in memory at once and on the disk within half a second.

        Raises
        ------
        IndexError
            A coordinate is outside, or the key is of another kind.
        SettingsError
            A value is no class.
        StorageError
            The painting is closed.
        """
        if self._closed:
            raise StorageError(f"The corrections {self.folder} are closed; open them again to paint.")
        super().__setitem__(key, value)

    def __repr__(self) -> str:
        return f"<Painting {self.folder.name} shape={self.shape} dtype={self.dtype}>"

    def flush(self) -> None:
        """Write what was painted, and return when it is on the disk.

        Raises
        ------
        StorageError
            It cannot be written; it stays in memory.
        """
        self._chunks.flush()

    def close(self, *, discard: bool = False) -> None:
        """Write what was painted and let go of the folder; a second call does nothing.

        Parameters
        ----------
        discard : bool
            Give up what cannot be written.

        Raises
        ------
        StorageError
            Something cannot be written; the painting stays open, so that it can be written later.
        """
        if not discard:
            self.flush()
        self._closed = True
        self._chunks.end()
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _box(self, index: Index) -> Box:
        start = tuple(i * c for i, c in zip(index, self.chunks, strict=True))
        return Box(start, tuple(min(a + c, n) for a, c, n in zip(start, self.chunks, self.shape, strict=True)))


def _ignore(error: StorageError) -> None:
    """Wait for `flush` to tell it."""
