"""Distances of any length, pass by pass over scratch files: every block is whole along the axis of its pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.distance import Census, ChunkFiles, Measure
from napari_seamless.distance.passes import add_axis, signed_squares, to_distances
from napari_seamless.engine.distance.labels import read_labels

if TYPE_CHECKING:
    from pathlib import Path

    from napari_seamless.engine.distance.layout import Layout
    from napari_seamless.engine.distance.output import MapSink
    from napari_seamless.engine.distance.progress import Steps
    from napari_seamless.types import Box, Volume

Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class ExactPasses:
    """The transform as passes along axes, the last axes first.

    What is between two passes, squared distances with a sign for inside, lies in scratch files: 4 bytes a voxel for
    each class. Where a plane fits into the memory, all axes but the first are one pass; else each is one of its own.

    Parameters
    ----------
    volume : Volume
        The labels.
    census : Census
        Their classes.
    measure : Measure
        What is measured.
    layout : Layout
        How the work is cut.
    sink : MapSink
        Takes the map.
    scratch : pathlib.Path
        An empty folder.
    """

    volume: Volume
    census: Census
    measure: Measure
    layout: Layout
    sink: MapSink
    scratch: Path

    def run(self, steps: Steps) -> None:
        """Make the map."""
        files = {i: self._files(i) for i in self.census.measured}
        boxes = self.layout.first_boxes()
        for _ in steps.run(lambda box: self._first(box, files), boxes, self.layout.first_threads(boxes)):
            pass
        for axis in self.layout.between:
            columns, threads = list(self.layout.columns(axis)), self.layout.column_threads(axis)
            for _ in steps.run(lambda box, axis=axis: self._next(box, axis, files), columns, threads):  # type: ignore[misc]
                pass
        columns, threads = list(self.layout.columns(0)), self.layout.column_threads(0)
        for _ in steps.run(lambda box: self._last(box, files), columns, threads):
            pass

    def _files(self, i: int) -> ChunkFiles:
        folder = self.scratch / str(i)
        folder.mkdir()
        return ChunkFiles(folder=folder, shape=self.layout.shape, chunk=self.layout.chunk)

    def _first(self, box: Box, files: dict[int, ChunkFiles]) -> None:
        n = len(self.layout.shape)
        axes = range(1, n) if self.layout.whole_planes else range(n - 1, n)
        labels = read_labels(self.volume, box)
        for i, stored in files.items():
            stored.write(box, signed_squares(labels == self.census.classes[i], self.measure, axes))

    def _next(self, box: Box, axis: int, files: dict[int, ChunkFiles]) -> None:
        for stored in files.values():
            squares = stored.read(box)
            add_axis(squares, axis, self.measure)
            stored.write(box, squares)

    def _last(self, box: Box, files: dict[int, ChunkFiles]) -> None:
        columns = {i: self._finished(stored, box) for i, stored in files.items()}
        for chunk in self.layout.chunks_of(box):
            block = np.zeros((len(self.census.classes), *chunk.shape), np.float32)
            for i, column in columns.items():
                block[i] = column[chunk.within(box.start).slices]
            self.sink.write(self.layout.chunk_index(chunk), chunk, block)

    def _finished(self, stored: ChunkFiles, box: Box) -> Array:
        squares = stored.read(box)
        stored.remove(box)
        add_axis(squares, 0, self.measure)
        to_distances(squares, self.measure)
        return squares
