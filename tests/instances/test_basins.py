"""Basins and what is made of them: cut by blocks they are the same, and flooding agrees with scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.segmentation import watershed

from napari_seamless.instances import Basins, Contacts, basins, connected_groups
from napari_seamless.instances.maxima import separate_maxima
from napari_seamless.types import Box


def depths(seed, shape=(14, 18, 22), smooth=1.5):
    mask = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), smooth) > 0.5
    return ndimage.distance_transform_edt(mask).astype(np.float32)


def whole(depth):
    return Box((0, 0, 0), depth.shape)


def ends_of_voxels(pieces, around, shape):
    """Return the raster index in the volume of where each voxel of a block ends; -1 for background."""
    place = np.array(np.unravel_index(pieces.ends, around.shape)) + np.array(around.start)[:, None]
    known = np.concatenate([[-1], np.ravel_multi_index(tuple(place), shape)])
    return known[pieces.labels]


@pytest.mark.parametrize("connectivity", [1, 2, 3])
def test_every_voxel_follows_its_deepest_neighbour(connectivity):
    depth = depths(1, (7, 8, 9))
    found = ends_of_voxels(basins(depth, whole(depth), connectivity), whole(depth), depth.shape)
    structure = np.argwhere(ndimage.generate_binary_structure(3, connectivity)) - 1
    np.testing.assert_array_equal(found < 0, depth == 0)
    for place in np.argwhere(depth > 0):
        here, last = tuple(place), None
        while here != last:
            near = [tuple(here + step) for step in structure]
            near = [p for p in near if all(0 <= i < n for i, n in zip(p, depth.shape, strict=True))]
            last, here = here, min(near, key=lambda p: (-depth[p], p))
        assert found[tuple(place)] == np.ravel_multi_index(here, depth.shape)


@settings(max_examples=25)
@given(seed=st.integers(0, 99), data=st.data(), connectivity=st.integers(1, 3))
def test_a_block_with_one_voxel_around_it_has_the_pieces_of_the_volume_cut_at_its_border(seed, data, connectivity):
    depth = depths(seed)
    all_ends = ends_of_voxels(basins(depth, whole(depth), connectivity), whole(depth), depth.shape)
    start = tuple(data.draw(st.integers(0, n - 2)) for n in depth.shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, depth.shape, strict=True))
    around = Box(tuple(max(a - 1, 0) for a in start), tuple(map(min, (b + 1 for b in stop), depth.shape)))
    block = Box(start, stop)
    pieces = basins(np.ascontiguousarray(depth[around.slices]), block.within(around.start), connectivity)
    ends = ends_of_voxels(pieces, around, depth.shape)
    inside = depth[block.slices] > 0
    expected = all_ends[block.slices]
    np.testing.assert_array_equal(ends >= 0, inside)
    # an end that the block does not hold lies one voxel beyond it, on the way to the end in the volume
    np.testing.assert_array_equal(all_ends.reshape(-1)[ends[inside]], expected[inside])
    assert pieces.sizes.tolist() == np.bincount(pieces.labels.ravel(), minlength=len(pieces.sizes) + 1)[1:].tolist()
    firsts = [np.flatnonzero(pieces.labels.ravel() == i + 1)[0] for i in range(len(pieces.sizes))]
    assert pieces.firsts.tolist() == firsts


def test_contacts_are_the_highest_passes():
    depth = depths(3)
    pieces = basins(depth, whole(depth), 1)
    found = Contacts.of(pieces.labels.astype(np.int64), depth, 1)
    expected = {}
    for axis in range(3):
        one, other = (np.moveaxis(pieces.labels, axis, 0)[s].ravel() for s in (slice(None, -1), slice(1, None)))
        low = np.minimum(*(np.moveaxis(depth, axis, 0)[s].ravel() for s in (slice(None, -1), slice(1, None))))
        for i in np.flatnonzero((one != other) & (one > 0) & (other > 0)):
            pair = (min(one[i], other[i]) - 1, max(one[i], other[i]) - 1)
            expected[pair] = max(expected.get(pair, 0), low[i])
    pairs = zip(found.one.tolist(), found.other.tolist(), found.heights.tolist(), strict=True)
    assert {(a, b): h for a, b, h in pairs} == expected


def test_contacts_do_not_depend_on_how_many_are_listed_at_once(monkeypatch):
    depth = depths(4)
    labels = basins(depth, whole(depth), 3).labels.astype(np.int64)
    expected = Contacts.of(labels, depth, 3)
    monkeypatch.setattr("napari_seamless.instances.contacts._LISTED", 40)
    found = Contacts.of(labels, depth, 3)
    for name in ("one", "other", "heights"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def balls(seed, shape=(40, 60, 60), count=12):
    rng = np.random.default_rng(seed)
    axes = np.ogrid[tuple(map(slice, shape))]
    mask = np.zeros(shape, np.bool_)
    for centre, radius in zip(rng.random((count, 3)) * shape, rng.uniform(7, 10, count), strict=True):
        mask |= sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)) < radius**2
    return mask


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_flooding_agrees_with_that_of_scikit_image_from_the_same_maxima(seed):
    mask = balls(seed)
    depth = ndimage.distance_transform_edt(mask).astype(np.float32)
    pieces = basins(depth, whole(depth), 1)
    contacts = Contacts.of(pieces.labels.astype(np.int64), depth, 1)
    tops = np.argsort(pieces.ends)
    places = np.stack(np.unravel_index(pieces.ends[tops], depth.shape), 1).astype(float)
    none = np.empty(0, np.int64)
    found = Basins(Basins.of_pieces((none, none), pieces.ends, tops), places, pieces.heights[tops])
    labels = np.concatenate([[-1], found.flooded(contacts, 6.0)])[pieces.labels]
    passes = contacts.between(found.of_piece)
    component = connected_groups(len(places), passes.one, passes.other)
    kept = pieces.ends[tops][separate_maxima(places, found.heights, component, 6.0)]
    markers = np.zeros(depth.shape, np.int32)
    markers.flat[kept] = np.arange(1, len(kept) + 1)
    peer = watershed(-depth, markers, mask=mask)
    number = dict(zip(labels.flat[kept].tolist(), range(1, len(kept) + 1), strict=True))
    assert len(number) == len(kept) > 3
    ours = np.array([number[n] for n in labels[mask].tolist()])
    assert np.mean(ours == peer[mask]) > 0.97


def test_of_two_maxima_as_high_the_first_counts_and_other_components_do_not_matter():
    places = np.array([[0.0], [1.0], [2.0], [50.0]])
    same, apart = np.zeros(4, np.int64), np.array([0, 0, 2, 2])
    heights = np.float32([5, 5, 4, 1])
    assert separate_maxima(places, heights, same, 3).tolist() == [True, False, False, True]
    assert separate_maxima(places, heights, apart, 3).tolist() == [True, False, True, True]
    assert separate_maxima(places, heights, same, 0).all()
    assert separate_maxima(np.empty((0, 1)), np.empty(0, np.float32), np.empty(0, np.int64), 3).tolist() == []
