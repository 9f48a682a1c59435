"""Where in a volume each class lies: a bounded sample of positions, found in one pass over the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_seamless.errors import VolumeError
from napari_seamless.training.blocks import blocks
from napari_seamless.types import Box

if TYPE_CHECKING:
    from napari_seamless.patches.statistics import OnBlock
    from napari_seamless.training.label_array import LabelArray

BLOCK_VOXELS = 2**22
IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Positions that patches may be cut around.

    Parameters
    ----------
    counts : numpy.ndarray
        Voxels of each class, (class,) int64.
    painted : bool
        Whether all voxels count.
    by_class : tuple of numpy.ndarray
        Positions of each class, (position, axis) int64 voxels; drawn evenly from all of the class.
    border : numpy.ndarray
        Positions of voxels that count and have a face neighbour of another class: their distance to a boundary is at
        most one voxel.
    """

    counts: IntArray
    painted: bool
    by_class: tuple[IntArray, ...]
    border: IntArray


def find_candidates(
    labels: LabelArray, n_classes: int, *, limit: int = 5000, seed: int = 0, on_block: OnBlock | None = None
) -> Candidates:
    """Read labels once, block by block, and return positions of each class and of the borders between classes.

    Parameters
    ----------
    labels : LabelArray
        What is read; a block has one more voxel per axis, where its neighbour begins.
    n_classes : int
        Classes of the network.
    limit : int
        Most positions of each kind; they are drawn without preference.
    seed : int
        Of the drawing.
    on_block : callable, optional
        Called with blocks done and blocks in all.

    Raises
    ------
    VolumeError
        A label is no class of the network, or is not whole.

    Examples
    --------
    >>> from napari_seamless.training.label_array import LabelArray
    >>> from napari_seamless.volume import open_volume
    >>> found = find_candidates(LabelArray(open_volume(np.array([[0, 0, 1, 1, 1]]))), 2)
    >>> found.counts.tolist(), sorted(found.border.tolist())
    ([2, 3], [[0, 1], [0, 2]])
    """
    rng = np.random.default_rng([seed, 0])
    kinds = [_Reservoir(limit, rng) for _ in range(n_classes + 1)]
    counts = np.zeros(n_classes, dtype=np.int64)
    parts = list(blocks(labels.shape, labels.chunks, BLOCK_VOXELS))
    for i, box in enumerate(parts):
        wider = Box(box.start, tuple(min(b + 1, n) for b, n in zip(box.stop, labels.shape, strict=True)))
        block = labels.read(wider)
        _check_classes(block, n_classes, labels)
        inner = block[tuple(slice(0, n) for n in box.shape)]
        for label in range(n_classes):
            here = np.flatnonzero(inner == label)
            counts[label] += here.size
            kinds[label].add(here, box)
        kinds[-1].add(np.flatnonzero(_borders(block)), wider)
        if on_block is not None:
            on_block(i + 1, len(parts))
    n_voxels = int(np.prod(labels.shape, dtype=np.int64))
    *by_class, border = (kind.positions for kind in kinds)
    return Candidates(counts=counts, painted=int(counts.sum()) == n_voxels, by_class=tuple(by_class), border=border)


def highest_label(labels: LabelArray, on_block: OnBlock | None = None) -> int:
    """Read labels once and return the largest one.

    Examples
    --------
    >>> from napari_seamless.training.label_array import LabelArray
    >>> from napari_seamless.volume import open_volume
    >>> highest_label(LabelArray(open_volume(np.array([0, 2, 1]))))
    2
    """
    parts = list(blocks(labels.shape, labels.chunks, BLOCK_VOXELS))
    highest = -1
    for i, box in enumerate(parts):
        highest = max(highest, int(labels.read(box).max()))
        if on_block is not None:
            on_block(i + 1, len(parts))
    return highest


class _Reservoir:
    """The positions with the smallest of random numbers: an even sample, whatever the blocks."""

    def __init__(self, limit: int, rng: np.random.Generator) -> None:
        self._limit = limit
        self._rng = rng
        self._keys = np.empty(0)
        self.positions: IntArray = np.empty((0, 0), dtype=np.int64)

    def add(self, flat: IntArray, box: Box) -> None:
        """Offer voxels of a box by their index into its raveled array."""
        keys = self._rng.random(flat.size)
        if self._keys.size == self._limit:
            near = keys < self._keys.max()
            keys, flat = keys[near], flat[near]
        if flat.size > self._limit:
            first = np.argpartition(keys, self._limit)[: self._limit]
            keys, flat = keys[first], flat[first]
        new = np.stack(np.unravel_index(flat, box.shape), axis=1) + np.array(box.start)
        positions = new if not self._keys.size else np.concatenate([self.positions, new])
        self._keys = np.concatenate([self._keys, keys])
        order = np.argsort(self._keys)[: self._limit]
        self._keys, self.positions = self._keys[order], positions[order].astype(np.int64)


def _borders(block: IntArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which voxels have a face neighbour of another class inside the block; -1 is no class."""
    found = np.zeros(block.shape, dtype=bool)
    for axis in range(block.ndim):
        lines, marks = np.moveaxis(block, axis, 0), np.moveaxis(found, axis, 0)
        differs = (lines[1:] != lines[:-1]) & (lines[1:] >= 0) & (lines[:-1] >= 0)
        marks[1:] |= differs
        marks[:-1] |= differs
    return found


def _check_classes(block: IntArray, n_classes: int, labels: LabelArray) -> None:
    highest = int(block.max())
    if highest >= n_classes:
        raise VolumeError(
            f"{labels.volume.name} holds the label {highest}, but the network has {n_classes} classes with the labels "
            f"0 to {n_classes - 1}; name a class for each label, or say which label does not count."
        )
