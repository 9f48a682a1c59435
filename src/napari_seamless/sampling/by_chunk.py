"""Patches into an output that is finished chunk by chunk, in bounded memory."""

from __future__ import annotations

import itertools
import math
import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_seamless.errors import GeometryError
from napari_seamless.sampling.arrays import Array, Backend, is_tensor
from napari_seamless.sampling.sums import WeightedSums
from napari_seamless.types import AxisGrid, Box

if TYPE_CHECKING:
    from napari_seamless.sampling.layout import Layout
    from napari_seamless.sampling.order import Index

WRITERS = 4
"""Threads that divide, post-process and write finished chunks."""
PENDING = 2 * WRITERS
"""Finished chunks that may wait for a thread."""

Finish = Callable[[Array], Any]


@dataclass(slots=True)
class _Chunk:
    """A chunk in flight: its sums, the patches that are in, and the number of those that belong to it."""

    box: Box
    sums: WeightedSums
    patches: int
    seen: set[Index] = field(default_factory=set)


class ChunkedOutput:
    """Sums for the chunks in flight; a chunk is written when the last of its patches is in, and then freed.

    Parameters
    ----------
    output : array
        Where finished chunks are written: NumPy, torch, zarr or dask.
    grids : sequence of AxisGrid
        Where the patches lie.
    chunk : tuple of int
        Chunk size in voxels.
    layout : Layout
        Where the spatial axes lie.
    backend : Backend
        Library of the sums.
    finish : callable
        From the means of a chunk to what is written.
    """

    def __init__(  # noqa: PLR0913, PLR0917  each is one part of the work, and none is a setting
        self,
        output: Any,
        grids: Sequence[AxisGrid],
        chunk: tuple[int, ...],
        layout: Layout,
        backend: Backend,
        finish: Finish,
    ) -> None:
        self._output = output
        self._grids = tuple(grids)
        self._chunk = chunk
        self._layout = layout
        self._backend = backend
        self._finish = finish
        self._flying: dict[Index, _Chunk] = {}
        self._written: set[Index] = set()
        self._places = threading.BoundedSemaphore(PENDING)
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="seamless-chunk")
        self._turn: AbstractContextManager[Any] = (
            nullcontext() if may_write_at_once(output, chunk, layout) else threading.Lock()
        )
        self._first_error: BaseException | None = None
        self._closed = False

    def add(self, weighted: Array, weights: Array, box: Box) -> None:
        """Add a patch and hand the chunks that it finishes to the writing threads.

        Raises
        ------
        GeometryError
            The box is none of the sampler's, or its patch is in already.
        """
        self._raise_first_error()
        index = self._index(box)
        chunks = list(self._chunks(box))
        for at in chunks:
            if self._closed or at in self._written or (at in self._flying and index in self._flying[at].seen):
                raise GeometryError(
                    f"The patch from {box.start} to {box.stop} was appended before, or after get_output; "
                    "append each patch once."
                )
        for at in chunks:
            state = self._fetch(at, weighted.shape)
            state.sums.add(weighted, weights, box)
            state.seen.add(index)
            if len(state.seen) == state.patches:
                self._submit(at)

    def result(self, *, inplace: bool) -> Any:  # noqa: ARG002  chunks are written where they belong in any case
        """Write what is still in flight, wait for the writing threads, and return the output.

        Raises
        ------
        Exception
            What writing or post-processing a chunk failed with.
        """
        self._closed = True
        for at in list(self._flying):
            self._submit(at)
        self._pool.shutdown(wait=True)
        self._raise_first_error()
        return self._output

    def _index(self, box: Box) -> Index:
        index = tuple(bisect_left(grid.starts, a) for grid, a in zip(self._grids, box.start, strict=True))
        axes = zip(self._grids, index, box.start, box.stop, strict=True)
        if any(i >= len(grid) or grid.interval(i) != (a, b) for grid, i, a, b in axes):
            raise GeometryError(
                f"With chunk_size, a patch must lie where the sampler says, got a box from {box.start} to {box.stop}."
            )
        return index

    def _chunks(self, box: Box) -> itertools.product[Index]:
        axes = zip(box.start, box.stop, self._chunk, self._grids, strict=True)
        return itertools.product(*(range(max(a, 0) // c, -(-min(b, g.length) // c)) for a, b, c, g in axes))

    def _fetch(self, at: Index, shape: Any) -> _Chunk:
        if at not in self._flying:
            start = tuple(i * c for i, c in zip(at, self._chunk, strict=True))
            stops = zip(start, self._chunk, self._grids, strict=True)
            box = Box(start, tuple(min(a + c, grid.length) for a, c, grid in stops))
            zeros = self._backend.zeros(self._layout.shape_like(box.shape, shape))
            touching = (g.touching(a, b) for g, a, b in zip(self._grids, box.start, box.stop, strict=True))
            sums = WeightedSums(box, zeros, self._layout, self._backend)
            self._flying[at] = _Chunk(box, sums, math.prod(len(r) for r in touching))
        return self._flying[at]

    def _submit(self, at: Index) -> None:
        chunk = self._flying.pop(at)
        self._written.add(at)
        self._places.acquire()
        self._pool.submit(self._write, chunk).add_done_callback(self._done)

    def _write(self, chunk: _Chunk) -> None:
        if self._first_error is not None:
            return
        block = self._finish(chunk.sums.mean(inplace=True))
        expected = self._layout.shape_like(chunk.box.shape, self._output.shape)
        if tuple(block.shape) != expected:
            raise GeometryError(
                f"The chunk from {chunk.box.start} to {chunk.box.stop} came out as {tuple(block.shape)}, but the "
                f"output holds {expected} there; let output, softmax_dim and chunk_postprocess_func fit each other."
            )
        with self._turn:
            self._output[self._layout.key(chunk.box, len(self._output.shape))] = block

    def _done(self, future: Future[None]) -> None:
        error = future.exception()
        if error is not None and self._first_error is None:
            self._first_error = error
        self._places.release()

    def _raise_first_error(self) -> None:
        if self._first_error is not None:
            raise self._first_error


def may_write_at_once(output: Any, chunk: tuple[int, ...], layout: Layout) -> bool:
    """Tell whether threads may write different chunks of an output at the same time.

    Memory always; a zarr array where no two chunks meet in one of its own chunks or shards; nothing else, because
    writing a part of a stored chunk reads the whole and writes it back.
    """
    if is_tensor(output) or type(output).__module__.split(".")[0] == "numpy":
        return True
    if type(output).__module__.split(".")[0] != "zarr":
        return False
    stored = layout.spatial(getattr(output, "shards", None) or output.chunks)
    length = layout.spatial(output.shape)
    return all(c % s == 0 or c >= n for c, s, n in zip(chunk, stored, length, strict=True))
