"""Distances that are cut at a limit: what lies within reach of a block decides it, and blocks are done side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.distance.passes import signed_squares, to_distances
from napari_seamless.engine.distance.labels import read_labels
from napari_seamless.types import Box

if TYPE_CHECKING:
    from napari_seamless.distance import Census, Measure
    from napari_seamless.engine.distance.layout import Layout
    from napari_seamless.engine.distance.output import MapSink
    from napari_seamless.engine.distance.progress import Steps
    from napari_seamless.types import Volume


@dataclass(frozen=True, slots=True, eq=False)
class LocalBlocks:
    """The transform block by block.

    Parameters
    ----------
    volume : Volume
        The labels.
    census : Census
        Their classes.
    measure : Measure
        What is measured, with a limit.
    layout : Layout
        How the work is cut.
    sink : MapSink
        Takes the map.
    """

    volume: Volume
    census: Census
    measure: Measure
    layout: Layout
    sink: MapSink

    def run(self, steps: Steps) -> None:
        """Make the map."""
        boxes, threads = self.layout.local_boxes(self.measure)
        for _ in steps.run(self._block, boxes, threads):
            pass

    def _block(self, box: Box) -> None:
        around = self._around(box)
        inner: tuple[Any, ...] = box.within(around.start).slices
        labels = read_labels(self.volume, around)
        maps = np.zeros((len(self.census.classes), *box.shape), np.float32)
        for i in self.census.measured:
            squares = signed_squares(labels == self.census.classes[i], self.measure, range(labels.ndim))
            to_distances(squares, self.measure)
            maps[i] = squares[inner]
        for chunk in self.layout.chunks_of(box):
            part: tuple[Any, ...] = (slice(None), *chunk.within(box.start).slices)
            self.sink.write(self.layout.chunk_index(chunk), chunk, maps[part])

    def _around(self, box: Box) -> Box:
        """Return a box with what lies within reach of it."""
        shape, reach = self.layout.shape, self.measure.reach
        return Box(
            tuple(max(0, a - r) for a, r in zip(box.start, reach, strict=True)),
            tuple(min(n, b + r) for n, b, r in zip(shape, box.stop, reach, strict=True)),
        )
