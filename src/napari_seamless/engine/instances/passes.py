"""The passes over all blocks: pieces, what joins them, their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.engine.instances.pieces import Pieces
from napari_seamless.instances import Basins, Contacts, Numbering, connected_groups, number_type

if TYPE_CHECKING:
    from napari_seamless.engine.distance.progress import Steps
    from napari_seamless.engine.instances.block_files import BlockFiles
    from napari_seamless.engine.instances.layout import Index, Layout
    from napari_seamless.engine.instances.settings import InstanceSettings
    from napari_seamless.engine.instances.sources import Depths, Foreground
    from napari_seamless.sinks import OmeZarrSink

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Passes:
    """Instances, block by block.

    Parameters
    ----------
    source : Foreground or Depths
        What instances are made of.
    files : BlockFiles
        Holds pieces between the passes.
    layout : Layout
        How the work is cut.
    settings : InstanceSettings
        What a person chose.
    steps : Steps
        Runs the blocks.
    """

    source: Foreground | Depths
    files: BlockFiles
    layout: Layout
    settings: InstanceSettings
    steps: Steps

    def pieces(self) -> Pieces:
        """Cut the foreground of every block into pieces."""
        found: dict[int, Pieces] = {}
        held = 0
        for number, part in self.steps.run(self._cut, self.layout.indices, self.layout.threads):
            found[number] = part
            held += len(part.sizes)
            Pieces.check_room(held, self.settings.budget_bytes)
        return Pieces.together([found[number] for number in range(len(found))])

    def numbering(self, pieces: Pieces, spacing: tuple[float, ...]) -> Numbering:
        """Join the pieces of each instance across blocks, and number the instances."""
        exits = pieces.exits(self.layout)
        parts, joins = [], []
        for contacts, leads in self.steps.run(
            lambda index: self._touching(index, pieces, exits), self.layout.indices, self.layout.threads
        ):
            parts.append(contacts)
            joins.append(leads)
        contacts = Contacts.together(parts)
        if pieces.heights.size == 0:
            group = connected_groups(len(pieces.sizes), contacts.one, contacts.other)
        else:
            group = self._basins(pieces, joins, spacing).flooded(contacts, self.settings.min_distance)
        return Numbering.of(group, pieces.firsts, pieces.sizes, self.settings.min_size)

    def write(self, pieces: Pieces, numbering: Numbering, sink: OmeZarrSink) -> None:
        """Give every voxel the number of its instance."""
        numbers = numbering.numbers.astype(number_type(numbering.count))
        for _ in self.steps.run(
            lambda index: self._renumber(index, pieces, numbers, sink), self.layout.indices, self.layout.threads
        ):
            pass

    def _cut(self, index: Index) -> tuple[int, Pieces]:
        box = self.layout.box(index)
        fragments, around = self.source.fragments(box)
        self.files.write(index, fragments.labels)
        return self.layout.number(index), Pieces(
            sizes=fragments.sizes,
            firsts=self.layout.places(fragments.firsts, box),
            ends=self.layout.places(fragments.ends, around),
            heights=fragments.heights,
            starts=np.array([0, len(fragments.sizes)]),
        )

    def _touching(self, index: Index, pieces: Pieces, exits: Array) -> tuple[Contacts, tuple[Array, Array]]:
        """Return what touches in a block or at its last faces, and what pieces of others lead into it."""
        labels = self.files.read_with_next(index, pieces.starts)
        box = self.layout.box(index)
        depth = self.source.depth(self.layout.grown(box, 0, 1))
        contacts = Contacts.of(labels, depth, self.settings.connectivity)
        number = self.layout.number(index)
        into = exits[slice(*np.searchsorted(exits[:, 0], (number, number + 1))), 1]
        if len(into) == 0:
            return contacts, (into, into)
        ends = np.array(np.unravel_index(pieces.ends[into], self.layout.shape))
        return contacts, (into, labels[tuple(ends - np.array(box.start)[:, None])] - 1)

    def _basins(self, pieces: Pieces, joins: list[tuple[Array, Array]], spacing: tuple[float, ...]) -> Basins:
        exits = tuple(np.concatenate(side) for side in zip(*joins, strict=True))
        tops = np.setdiff1d(np.arange(len(pieces.ends)), exits[0], assume_unique=True)
        tops = tops[np.argsort(pieces.ends[tops])]
        of_piece = Basins.of_pieces((exits[0], exits[1]), pieces.ends, tops)
        sizes = (1.0,) * (3 - len(spacing)) + tuple(spacing)
        places = np.stack(np.unravel_index(pieces.ends[tops], self.layout.shape), 1) * np.array(sizes)
        return Basins(of_piece, places, pieces.heights[tops])

    def _renumber(self, index: Index, pieces: Pieces, numbers: Array, sink: OmeZarrSink) -> None:
        box, number = self.layout.box(index), self.layout.number(index)
        labels = self.files.read(index)
        known = np.concatenate([[0], numbers[pieces.starts[number] : pieces.starts[number + 1]]]).astype(numbers.dtype)
        for place, chunk in self.layout.chunks_of(box):
            block = known[labels[chunk.within(box.start).slices]]
            kept = self.layout.in_volume(chunk)
            sink.write(place[-self.layout.axes :], kept, block.reshape(kept.shape))
