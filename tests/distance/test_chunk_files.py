"""Squares between two passes come back as they went."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from napari_seamless.distance import ChunkFiles
from napari_seamless.errors import StorageError
from napari_seamless.types import Box


@pytest.fixture
def files(tmp_path):
    return ChunkFiles(folder=tmp_path, shape=(7, 10, 9), chunk=(4, 5, 4))


@pytest.fixture
def values():
    return np.random.default_rng(0).random((7, 10, 9), dtype=np.float32)


@pytest.mark.parametrize("cuts", [[0, 7], [0, 4, 7], [0, 1, 3, 4, 6, 7]])
def test_planes_that_are_written_are_read_as_columns_along_any_axis(files, values, cuts):
    for a, b in reversed(list(pairwise(cuts))):
        files.write(Box((a, 0, 0), (b, 10, 9)), values[a:b])
    for box in (Box((0, 5, 4), (7, 10, 8)), Box((4, 0, 8), (7, 10, 9)), Box((0, 0, 0), (4, 5, 9))):
        np.testing.assert_array_equal(files.read(box), values[box.slices])


def test_a_file_that_is_missing_or_short_is_told_with_its_folder(files, values, tmp_path):
    whole = Box((0, 0, 0), (7, 10, 9))
    with pytest.raises(StorageError, match=str(tmp_path)):
        files.read(whole)
    files.write(whole, values)
    next(tmp_path.iterdir()).write_bytes(b"1234")
    with pytest.raises(StorageError, match="too early"):
        files.read(whole)


def test_removed_chunks_leave_no_file(files, values, tmp_path):
    files.write(Box((0, 0, 0), (7, 10, 9)), values)
    files.remove(Box((0, 0, 0), (7, 10, 9)))
    assert list(tmp_path.iterdir()) == []
