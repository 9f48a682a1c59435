"""The stages of a run: block by block with one spacing, then with the next, each written as soon as it is known."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_seamless.engine.events import ChunkWritten, Progress
from napari_seamless.engine.occupancy.events import StageEnded
from napari_seamless.engine.occupancy.field import inside
from napari_seamless.engine.occupancy.lattice import OUTSIDE, Lattice, asked, lattice_shape
from napari_seamless.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_seamless.engine.control import Control
    from napari_seamless.engine.occupancy.events import OnOccupancyEvent
    from napari_seamless.engine.occupancy.field import Encoded, OccupancyField
    from napari_seamless.engine.occupancy.settings import OccupancySettings
    from napari_seamless.sinks import OutputSpec, Sink

Array = np.ndarray[Any, Any]
Index = tuple[int, ...]

_LISTED = 2**18
"""Points whose coordinates are listed at once."""


@dataclass(slots=True, eq=False)
class StagesRun:
    """One run over a volume.

    Parameters
    ----------
    seen : OccupancyField
        Answers coordinates.
    settings : OccupancySettings
        Stages and threshold.
    spec : OutputSpec
        The output.
    sink : Sink
        Takes chunks, those of finer stages again.
    scratch : pathlib.Path or None
        Folder for what is known of coarse points; None keeps it in memory.
    on_event : callable
        Told of chunks and progress.
    control : Control
        Asked before each batch.
    """

    seen: OccupancyField
    settings: OccupancySettings
    spec: OutputSpec
    sink: Sink
    scratch: Path | None
    on_event: OnOccupancyEvent
    control: Control
    stages: list[StageEnded] = field(default_factory=list)
    _shown: set[Index] = field(default_factory=set)
    _done: int = 0
    _evaluated: int = 0
    _begin: float = field(default_factory=time.perf_counter)

    def run(self) -> tuple[StageEnded, ...]:
        """Fill the output, the coarsest stage first."""
        plan, coarse = self.settings.plan, None
        for spacing, reach in zip(plan.spacings, plan.reaches, strict=True):
            coarse = self._stage(spacing, reach, coarse)
        return tuple(self.stages)

    @property
    def total(self) -> int:
        """Points of all lattices."""
        return sum(math.prod(lattice_shape(self.spec.shape, n)) for n in self.settings.plan.spacings)

    def _stage(self, spacing: int, reach: int, coarse: Lattice | None) -> Lattice | None:
        begin, before, last = time.perf_counter(), self._evaluated, spacing == 1
        # The points of the last stage are the voxels of the output: they are not kept beside it.
        lattice = None if last else Lattice.of(self.spec.shape, spacing, self.scratch)
        count = 0
        for index in self._chunks():
            box = self._box(index)
            here = Lattice(spacing, np.zeros(0, np.uint8)).under(box)
            states = self._answered(here, spacing, reach, coarse)
            count += int((states > OUTSIDE).sum())
            if lattice is not None:
                lattice.states[here.slices] = states
            self._store(index, box, lattice.filled(box) if lattice is not None else _labels(states), last=last)
            self._done += here.size
            self._tell()
        ended = StageEnded(
            spacing=spacing,
            points=math.prod(lattice_shape(self.spec.shape, spacing)),
            evaluated=self._evaluated - before,
            inside=count,
            seconds=time.perf_counter() - begin,
        )
        self.stages.append(ended)
        self.on_event(ended)
        return lattice

    def _answered(self, points: Box, spacing: int, reach: int, coarse: Lattice | None) -> Array:
        """Return what is known of the points of a block when this stage has looked at it."""
        if coarse is None:
            wanted, states = self._first(points, spacing), np.zeros(points.shape, np.uint8)
        else:
            wanted, states = asked(coarse, spacing, points, reach)
        for listed in _lists(wanted):
            voxels = (listed + torch.tensor(points.start)) * spacing
            states[tuple(listed.numpy().T)] = self._states(voxels)
        return states

    def _first(self, points: Box, spacing: int) -> Array:
        """Return which points of a block the first stage evaluates."""
        wanted = np.ones(points.shape, bool)
        for encoded in self._encoded_at(points, spacing):
            part = encoded.part
            owned = Lattice(spacing, np.zeros(0, np.uint8)).under(part.owned).intersect(points)
            if encoded.first is None or owned.size == 0:
                continue
            corner = tuple(-(-o // spacing) for o in part.origin)
            asked_for = owned.intersect(
                Box(corner, tuple(c + n for c, n in zip(corner, encoded.first.shape, strict=True)))
            )
            wanted[owned.within(points.start).slices] = False
            if asked_for.size:
                wanted[asked_for.within(points.start).slices] = encoded.first[asked_for.within(corner).slices]
        return wanted

    def _encoded_at(self, points: Box, spacing: int) -> list[Encoded]:
        voxels = Box(tuple(a * spacing for a in points.start), tuple(b * spacing for b in points.stop))
        return [self.seen.encoded[number] for number in self.seen.grid.within(voxels)]

    def _states(self, voxels: torch.Tensor) -> Array:
        """Answer (n, 3) voxels: 1 outside, label + 1 inside."""
        if not self.seen.is_cut:
            return self._decided(self.seen.answers(0, voxels, self._between))
        states = np.empty(len(voxels), np.uint8)
        for number, here in self.seen.grid.groups(voxels):
            states[here.numpy()] = self._decided(self.seen.answers(number, voxels[here], self._between))
        return states

    def _decided(self, answers: torch.Tensor) -> Array:
        found = inside(answers) > self.settings.threshold
        label = torch.ones_like(found, dtype=torch.uint8)
        if answers.shape[1] > 1:
            label = (answers[:, 1:].argmax(1) + 1).to(torch.uint8)
        return torch.where(found, label + 1, torch.full_like(label, OUTSIDE)).cpu().numpy()

    def _between(self, count: int) -> None:
        self.control.checkpoint()
        self._evaluated += count

    def _store(self, index: Index, box: Box, labels: Array, *, last: bool) -> None:
        """Write a chunk where it shows something new, and at the end whatever it shows."""
        anything = bool(labels.any())
        if not (last or anything or index in self._shown):
            return
        self.control.checkpoint()
        self.sink.write(index, box, labels)
        if last:
            self.sink.record(index)
        if anything or index in self._shown:
            self.on_event(ChunkWritten(box))
        (self._shown.add if anything else self._shown.discard)(index)

    def _tell(self) -> None:
        self.on_event(Progress(self._done, self.total, {"answer": time.perf_counter() - self._begin}))

    def _chunks(self) -> Iterator[Index]:
        """Yield every chunk once, in raster order, but first what is looked at."""
        left = iter(itertools.product(*map(range, self.spec.chunk_grid)))
        taken: set[Index] = set()
        while True:
            index = next((i for i in self._in_sight() if i not in taken), None)
            if index is None:
                index = next((i for i in left if i not in taken), None)
            if index is None:
                return
            taken.add(index)
            yield index

    def _in_sight(self) -> Iterator[Index]:
        seen = self.control.in_sight
        if seen is None:
            return iter(())
        seen = seen.intersect(Box((0, 0, 0), self.spec.shape))
        if seen.size == 0:
            return iter(())
        spans = zip(seen.start, seen.stop, self.spec.chunk, strict=True)
        return itertools.product(*(range(a // c, -(-b // c)) for a, b, c in spans))

    def _box(self, index: Index) -> Box:
        start = tuple(i * c for i, c in zip(index, self.spec.chunk, strict=True))
        return Box(start, tuple(min(a + c, n) for a, c, n in zip(start, self.spec.chunk, self.spec.shape, strict=True)))


def _labels(states: Array) -> Array:
    labels: Array = np.maximum(states, OUTSIDE) - np.uint8(OUTSIDE)
    return labels


def _lists(wanted: Array) -> Iterator[torch.Tensor]:
    """Yield the places of what is wanted, some planes at a time."""
    planes = max(1, _LISTED // max(1, math.prod(wanted.shape[1:])))
    for low in range(0, len(wanted), planes):
        listed = torch.from_numpy(wanted[low : low + planes]).nonzero()
        if len(listed):
            listed[:, 0] += low
            yield listed
