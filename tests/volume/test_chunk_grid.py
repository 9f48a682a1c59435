"""Where chunks lie, whatever their lengths."""

import itertools

import dask.array
import numpy as np
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.volume.chunk_grid import ChunkGrid

regular = st.tuples(st.integers(1, 12), st.integers(1, 14)).map(lambda n: (n[0], range(0, n[0], n[1])))
irregular = st.lists(st.integers(1, 5), min_size=1, max_size=5).map(
    lambda chunks: (sum(chunks), tuple(itertools.accumulate(chunks, initial=0))[:-1])
)
grids = st.lists(regular | irregular, min_size=1, max_size=3).map(
    lambda axes: ChunkGrid(tuple(n for n, _ in axes), tuple(starts for _, starts in axes))
)


def every(grid):
    return grid.touching(tuple(slice(0, n) for n in grid.shape))


@given(grids)
def test_chunks_partition_the_array(grid):
    count = np.zeros(grid.shape, int)
    for index in every(grid):
        count[grid.box(index)] += 1
    assert (count == 1).all()


@given(grids, st.data())
def test_the_chunks_of_a_box_are_those_that_share_a_voxel(grid, data):
    slices = tuple(
        slice(a, b)
        for n in grid.shape
        for a, b in [sorted(data.draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True)))]
    )
    box = np.zeros(grid.shape, bool)
    box[slices] = True
    meeting = [index for index in every(grid) if box[grid.box(index)].any()]
    assert list(grid.touching(slices)) == meeting
    assert grid.voxels_touched(slices) == sum(box[grid.box(index)].size for index in meeting)


@given(st.integers(2, 40), st.integers(1, 9), st.integers(1, 12))
def test_widest_is_the_worst_place_of_an_interval(n, chunk, length):
    grid = ChunkGrid((n,), (range(0, n, chunk),))
    places = [grid.voxels_touched((slice(a, min(n, a + length)),)) for a in range(n)]
    assert max(places) <= grid.widest(0, length) <= n
    if length + 2 * chunk <= n and not n % chunk:
        assert grid.widest(0, length) == max(places)


@given(irregular, st.integers(1, 12))
def test_widest_bounds_irregular_chunks(axis, length):
    n, starts = axis
    grid = ChunkGrid((n,), (starts,))
    places = [grid.voxels_touched((slice(a, min(n, a + length)),)) for a in range(n)]
    assert max(places) <= grid.widest(0, length) <= n


def test_chunks_of_zarr_dask_and_plain_arrays():
    stored = zarr.create_array(zarr.storage.MemoryStore(), shape=(10, 7), chunks=(4, 7), dtype="u1")
    assert ChunkGrid.of(stored) == ChunkGrid((10, 7), (range(0, 10, 4), range(0, 7, 7)))
    lazy = dask.array.zeros((6, 7), chunks=((1, 5), (3, 4)))
    assert ChunkGrid.of(lazy) == ChunkGrid((6, 7), ((0, 1), (0, 3)))
    assert ChunkGrid.of(np.zeros((4, 4))) is None
