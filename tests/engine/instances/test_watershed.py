"""A watershed by chunk: the right number, cut where the geometry says, whatever the chunks are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_seamless import samples
from napari_seamless.engine.instances import InstanceSettings, write_instances


def balls(centres, radius, shape, spacing=(1, 1, 1)):
    axes = [i * s for i, s in zip(np.ogrid[tuple(map(slice, shape))], spacing, strict=True)]
    mask = np.zeros(shape, np.bool_)
    for centre in centres:
        mask |= sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)) < radius**2
    return mask.astype(np.uint8)


def split(labels, path, **chosen):
    written = write_instances(labels, path, InstanceSettings(method="watershed", **chosen))
    return written, np.asarray(written.volume.data[...])


ROW = [(15, 15, 16), (15, 15, 38), (15, 15, 60)]


@pytest.mark.parametrize("chunk", [64, 16, (7, 31, 19)])
@pytest.mark.parametrize("connectivity", [1, 3])
def test_touching_balls_are_cut_at_the_planes_between_them(tmp_path, chunk, connectivity):
    labels = balls(ROW, 12.5, (31, 31, 77))
    assert ndimage.label(labels)[1] == 1
    written, found = split(labels, tmp_path / "cells.zarr", chunk_size=chunk, connectivity=connectivity)
    assert written.count == 3
    np.testing.assert_array_equal(found > 0, labels > 0)
    z, y, x = np.nonzero(labels)
    nearest = np.argmin([abs(x - centre[2]) for centre in ROW], axis=0) + 1
    off_the_plane = (x != 27) & (x != 49)
    np.testing.assert_array_equal(found[z, y, x][off_the_plane], nearest[off_the_plane])


def test_voxel_sizes_decide_where_balls_touch(tmp_path):
    spacing = (2.0, 1.0, 0.5)
    labels = balls([(14, 14, 14), (14, 14, 34)], 11, (15, 29, 97), spacing)
    written, found = split(labels, tmp_path / "cells.zarr", spacing=spacing, chunk_size=12, min_distance=4)
    assert written.count == 2
    _, _, x = np.nonzero(labels)
    clear = abs(x * 0.5 - 24) > 1
    assert np.array_equal(found[labels > 0][clear], 1 + (x * 0.5 > 24)[clear])


def blobs(seed, shape=(30, 34, 38)):
    return ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 2.5) > 0.5


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("chosen", [{"min_distance": 5}, {"connectivity": 3}, {"min_distance": 0, "min_size": 4}])
def test_neither_chunks_nor_threads_change_anything(tmp_path, seed, chosen):
    expected, *others = (
        split(blobs(seed), tmp_path / f"{i}.zarr", chunk_size=chunk, threads=threads, **chosen)[1]
        for i, (chunk, threads) in enumerate([(64, 1), (9, 3), ((8, 40, 13), 2)])
    )
    assert expected.max() > 3
    for other in others:
        np.testing.assert_array_equal(other, expected)


def test_instances_are_connected_parts_of_the_components_and_numbered_by_their_first_voxels(tmp_path):
    labels = blobs(7)
    _, found = split(labels, tmp_path / "cells.zarr", chunk_size=10)
    np.testing.assert_array_equal(found > 0, labels)
    values, firsts = np.unique(found, return_index=True)
    assert values.tolist() == list(range(found.max() + 1))
    assert (np.diff(firsts[1:]) > 0).all()
    assert all(ndimage.label(found == value)[1] == 1 for value in values[1:])


def test_a_small_object_beside_a_large_one_stays_one(tmp_path):
    labels = balls([(15, 15, 15)], 13, (31, 31, 40))
    labels[15, 15, 31:33] = 1
    written, found = split(labels, tmp_path / "cells.zarr", min_distance=30, chunk_size=16)
    assert written.count == 2
    assert len(np.unique(found[15, 15, 31:33])) == 1


def test_a_volume_of_one_object_is_one_instance_and_says_why(tmp_path):
    written, found = split(np.ones((8, 9, 10), np.uint8), tmp_path / "cells.zarr", chunk_size=4)
    assert written.count == 1
    assert (found == 1).all()
    assert "no border" in written.warnings[0]


def test_discs_in_a_plane(tmp_path):
    labels = balls([(0, 20, 16), (0, 20, 38)], 12.5, (1, 41, 55))[0]
    written, _ = split(labels, tmp_path / "cells.zarr", chunk_size=10)
    assert (written.count, written.volume.axes) == (2, ("y", "x"))


def test_the_nuclei_of_the_sample_are_told_apart(tmp_path):
    reference = samples.nuclei()[1]
    truth = np.asarray(reference.data)
    assert ndimage.label(truth)[1] < len(np.unique(truth)) - 1  # some touch
    written, found = split(reference, tmp_path / "cells.zarr", min_distance=5, min_size=50)
    counts = np.zeros((written.count + 1, truth.max() + 1))
    np.add.at(counts, (found.ravel(), truth.ravel()), 1)
    union = counts.sum(0) + counts.sum(1)[:, None] - counts
    best = (counts / np.maximum(union, 1))[1:, np.unique(truth)[1:]].max(axis=0)
    assert len(best) == 10
    assert (best > 0.5).all()
    assert best.mean() > 0.9
    assert written.count <= 12
