"""Tiles: every voxel of a chunk in one of them, and all of them one stretch of memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.blend import TiledSums
from napari_seamless.blend.tiles import TILE_VOXELS, spans, tile_cuts

Cuts = tuple[tuple[int, ...], ...]


@st.composite
def cut_axes(draw: st.DrawFn) -> Cuts:
    """Draw one to four axes, each cut anywhere."""
    axes = []
    for _ in range(draw(st.integers(1, 4))):
        length = draw(st.integers(1, 9))
        inner = draw(st.sets(st.integers(1, length - 1))) if length > 1 else set()
        axes.append((0, *sorted(inner), length))
    return tuple(axes)


def cells(cuts: Cuts) -> Iterator[tuple[slice, ...]]:
    """Yield each tile as an index into the whole array, in raster order."""
    yield from itertools.product(*([slice(a, b) for a, b in itertools.pairwise(cut)] for cut in cuts))


@given(cut_axes(), st.integers(1, 3))
def test_tiles_hold_the_array_that_they_are_cut_from(cuts: Cuts, classes: int) -> None:
    shape = (classes, *(cut[-1] for cut in cuts))
    array = np.random.default_rng(0).random(shape, np.float32)
    flat = np.concatenate([array[(slice(None), *cell)].ravel() for cell in cells(cuts)])
    sums = TiledSums(classes, cuts, torch.from_numpy(flat))
    np.testing.assert_array_equal(sums.whole(), array)
    assert sums.whole().is_contiguous()
    assert sums.shape == shape[1:]
    assert sums.nbytes == array.nbytes
    assert [box.slices for box in sums.boxes()] == list(cells(cuts))
    for tile, cell in zip(sums.tiles, cells(cuts), strict=True):
        np.testing.assert_array_equal(tile, array[(slice(None), *cell)])
        assert tile.is_contiguous()


@given(cut_axes(), st.integers(1, 3))
def test_what_is_added_to_the_tiles_is_in_the_flat_memory_that_is_saved(cuts: Cuts, classes: int) -> None:
    sums = TiledSums(classes, cuts)
    assert not sums.flat.any()
    for number, tile in enumerate(sums.tiles):
        tile.add_(number + 1)
    again = TiledSums(classes, cuts, sums.flat.clone())
    np.testing.assert_array_equal(again.whole(), sums.whole())
    for number, cell in enumerate(cells(cuts)):
        assert (again.whole()[(slice(None), *cell)] == number + 1).all()


def test_the_whole_is_a_copy() -> None:
    sums = TiledSums(2, ((0, 4), (0, 2, 4)))
    sums.whole().add_(1)
    assert not sums.flat.any()


@given(cut_axes(), st.data())
def test_a_patch_is_added_tile_by_tile_as_numpy_adds_it_at_once(cuts: Cuts, data: st.DataObject) -> None:
    shape = tuple(cut[-1] for cut in cuts)
    starts = tuple(data.draw(st.integers(-4, n - 1)) for n in shape)
    patch_shape = tuple(data.draw(st.integers(max(1, 1 - start), 14)) for start in starts)
    patch = np.random.default_rng(1).random(patch_shape)
    truth = np.zeros(shape)
    within = [slice(max(0, a), min(n, a + size)) for a, n, size in zip(starts, shape, patch_shape, strict=True)]
    inside = tuple(slice(s.start - a, s.stop - a) for s, a in zip(within, starts, strict=True))
    truth[tuple(within)] += patch[inside]
    found, numbers = np.zeros(shape), []
    per_axis = [spans(cut, s.start, s.stop, a) for cut, s, a in zip(cuts, within, starts, strict=True)]
    for axes in itertools.product(*per_axis):
        tile = [cut[i] for cut, (i, _, _) in zip(cuts, axes, strict=True)]
        here = tuple(slice(t + s.start, t + s.stop) for t, (_, s, _) in zip(tile, axes, strict=True))
        found[here] += patch[tuple(there for _, _, there in axes)]
        numbers.append(tuple(i for i, _, _ in axes))
    np.testing.assert_array_equal(found, truth)
    assert len(set(numbers)) == len(numbers)
    for cut, axis in zip(cuts, per_axis, strict=True):
        assert all(0 <= here.start < here.stop <= cut[i + 1] - cut[i] for i, here, _ in axis)


@given(st.integers(1, 3000), st.integers(1, 5))
def test_cuts_part_an_axis_evenly_into_about_a_tile_s_edge(length: int, n_axes: int) -> None:
    cuts, edge = tile_cuts(length, n_axes), TILE_VOXELS ** (1 / n_axes)
    assert (cuts[0], cuts[-1]) == (0, length)
    pieces = np.diff(cuts)
    assert pieces.min() >= 1
    assert pieces.max() - pieces.min() <= 1
    assert pieces.max() <= math.ceil(1.5 * edge)
    assert len(pieces) == 1 or pieces.min() >= math.floor(edge / 1.5)


@pytest.mark.parametrize("n_axes", [1, 2, 3, 4, 5])
def test_tiles_of_a_large_chunk_hold_about_as_much_as_a_cache(n_axes: int) -> None:
    edge = np.diff(tile_cuts(100_000, n_axes)).max()
    assert TILE_VOXELS / 1.5 <= edge**n_axes <= 1.5 * TILE_VOXELS
