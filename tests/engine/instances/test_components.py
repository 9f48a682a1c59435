"""Components by chunk are those of the whole volume."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_seamless.engine.instances import InstanceSettings, write_instances


def found_in(labels, path, **chosen):
    return np.asarray(write_instances(labels, path, InstanceSettings(**chosen)).volume.data[...])


def numbered(labels):
    """Number instances by the raster order of their first voxels, in another way."""
    values, firsts = np.unique(labels, return_index=True)
    ids = np.zeros(values.max() + 1, np.int64)
    there = values > 0
    ids[values[there][np.argsort(firsts[there])]] = np.arange(1, there.sum() + 1)
    return ids[labels]


@st.composite
def masks(draw):
    shape = tuple(draw(st.lists(st.integers(1, 17), min_size=2, max_size=3)))
    density = draw(st.floats(0, 1))
    mask = np.random.default_rng(draw(st.integers(0, 2**32))).random(shape) < density
    chunk = tuple(draw(st.integers(2, 18)) for _ in shape)
    return mask, chunk, draw(st.integers(1, len(shape)))


@settings(max_examples=40, deadline=None)
@given(masks(), st.sampled_from([1, 3]))
def test_components_by_chunk_are_those_of_scipy(case, threads):
    mask, chunk, connectivity = case
    expected, _ = ndimage.label(mask, ndimage.generate_binary_structure(mask.ndim, connectivity))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.zarr"
        found = found_in(mask, path, connectivity=connectivity, chunk_size=chunk, threads=threads)
    np.testing.assert_array_equal(found, numbered(expected))


def test_a_way_through_corners_of_chunks_is_one_component_where_corners_touch(tmp_path):
    mask = np.zeros((24, 24, 24), np.uint8)
    mask[range(24), range(24), range(23, -1, -1)] = 1  # crosses chunks at their corners alone
    counts = [
        write_instances(mask, tmp_path / f"{n}.zarr", InstanceSettings(connectivity=n, chunk_size=6)).count
        for n in (1, 2, 3)
    ]
    assert counts == [24, 24, 1]


def test_small_components_are_dropped_and_the_others_numbered_without_gaps(tmp_path):
    mask = np.random.default_rng(2).random((20, 22, 24)) < 0.25
    labels, n = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    labels[(sizes < 5)[labels]] = 0
    written = write_instances(mask, tmp_path / "cells.zarr", InstanceSettings(min_size=5, chunk_size=7))
    np.testing.assert_array_equal(np.asarray(written.volume.data[...]), numbered(labels))
    assert (written.count, written.dropped) == ((sizes[1:] >= 5).sum(), (sizes[1:] < 5).sum())
    assert written.count + written.dropped == n


@pytest.mark.parametrize("value", [None, 2, 300])
def test_the_foreground_is_one_label_or_all_but_0(tmp_path, value):
    labels = np.random.default_rng(3).choice(np.array([0, 2, 300], np.uint16), (16, 17, 18))
    store = zarr.create_array(tmp_path / "labels.zarr", shape=labels.shape, chunks=(5, 8, 9), dtype="u2")
    store[...] = labels
    expected, _ = ndimage.label(labels != 0 if value is None else labels == value)
    found = found_in(tmp_path / "labels.zarr", tmp_path / "cells.zarr", label_value=value, chunk_size=8)
    np.testing.assert_array_equal(found, numbered(expected))
