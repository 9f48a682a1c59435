"""What instances are made of: the foreground, or its depth, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.engine.distance.labels import read_labels
from napari_seamless.instances import Fragments, basins, connected

if TYPE_CHECKING:
    from napari_seamless.engine.instances.layout import Layout
    from napari_seamless.types import Box, Volume

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Foreground:
    """Connected components of a label.

    Parameters
    ----------
    volume : Volume
        Labels.
    label_value : int or None
        The label; None: every one but 0.
    layout : Layout
        The blocks.
    connectivity : int
        Which voxels touch.
    """

    volume: Volume
    label_value: int | None
    layout: Layout
    connectivity: int

    def mask(self, box: Box) -> Array:
        """Return where the foreground is, (z, y, x) bool."""
        labels = read_labels(self.volume, self.layout.in_volume(box))
        inside: Array = labels != 0 if self.label_value is None else labels == self.label_value
        return inside.reshape(box.shape)

    def fragments(self, box: Box) -> tuple[Fragments, Box]:
        """Return the pieces of a block, and the box that the ends of pieces are counted in."""
        return connected(self.mask(box), self.connectivity), box

    def depth(self, box: Box) -> None:  # noqa: ARG002  components have none
        """Return nothing: pieces that touch are one instance, however deep."""
        return


@dataclass(frozen=True, slots=True, eq=False)
class Depths:
    """Basins of the depth of a label.

    Parameters
    ----------
    volume : Volume
        A distance map of one class in the exact convention.
    sign : int
        1 where the class is the background, -1 where it is the foreground.
    layout : Layout
        The blocks.
    connectivity : int
        Which voxels touch.
    """

    volume: Volume
    sign: int
    layout: Layout
    connectivity: int

    def depth(self, box: Box) -> Array:
        """Return how far the border of the foreground is, (z, y, x) float32, negative outside."""
        found: Array = np.asarray(self.volume.data[(0, *self.layout.in_volume(box).slices)])
        found *= np.float32(self.sign)
        return found.reshape(box.shape)

    def fragments(self, box: Box) -> tuple[Fragments, Box]:
        """Return the pieces of a block, and the box that the ends of pieces are counted in."""
        around = self.layout.grown(box, 1, 1)
        return basins(self.depth(around), box.within(around.start), self.connectivity), around
