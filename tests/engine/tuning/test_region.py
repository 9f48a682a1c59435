"""Where settings are compared when nobody says where."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_seamless.engine.tuning import default_region
from napari_seamless.engine.tuning import region as region_module
from napari_seamless.errors import GeometryError, VolumeError
from napari_seamless.types import Box, Level, Volume
from napari_seamless.volume import open_volume

SHAPE = (60, 70, 50)


def blob(shape: tuple[int, ...], at: tuple[int, ...], edge: int) -> np.ndarray:
    """Return noise in a cube, 0 elsewhere."""
    array = np.zeros(shape, np.float32)
    here = tuple(slice(a, a + edge) for a in at)
    array[here] = np.random.default_rng(0).random((edge,) * len(shape))
    return array


def holds(outer: Box, at: tuple[int, ...], edge: int) -> bool:
    """Tell whether a box holds most of a cube: boxes lie on a lattice."""
    inner = Box(at, tuple(a + edge for a in at))
    return outer.intersect(inner).size > 0.8 * inner.size


@pytest.mark.parametrize("at", [(0, 0, 0), (40, 50, 30), (20, 3, 28)])
def test_where_the_intensities_vary(at: tuple[int, ...]) -> None:
    box = default_region(blob(SHAPE, at, 16), patch_size=16)
    assert box.shape == (32, 32, 32)
    assert holds(box, at, 16)


def test_where_every_class_is() -> None:
    """Class 1 is everywhere below, class 2 in one place; the intensities vary elsewhere."""
    truth = np.zeros(SHAPE, np.uint8)
    truth[30:] = 1
    truth[36:40, 50:56, 10:14] = 2
    box = default_region(blob(SHAPE, (0, 0, 30), 16), truth, patch_size=16)
    assert set(np.unique(truth[box.slices])) == {0, 1, 2}


def test_a_region_is_at_most_the_volume() -> None:
    box = default_region(np.zeros((20, 300), np.uint8), patch_size=64)
    assert box.shape == (20, 128)


def test_a_size_of_ones_own() -> None:
    assert default_region(blob((64, 64), (40, 40), 8), patch_size=16, size=(10, 20)).shape == (10, 20)


def test_a_coarse_level_is_read_where_there_is_one() -> None:
    fine = blob((256, 256), (150, 30), 40)

    class Untouched:
        shape, dtype = fine.shape, fine.dtype

        def __getitem__(self, key: object) -> np.ndarray:
            raise AssertionError("the finest level was read")

    levels = (
        Level(data=Untouched(), spacing=(1.0, 1.0), translation=(0.0, 0.0)),
        Level(data=fine[::4, ::4], spacing=(4.0, 4.0), translation=(1.5, 1.5)),
    )
    volume = Volume(name="image", axes=("y", "x"), levels=levels, units=(None, None))
    assert holds(default_region(volume, patch_size=32), (150, 30), 40)


def test_a_large_volume_is_probed_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dask array of 4 x 10^9 voxels, whose blocks count how often they are computed."""
    read = []

    def block(block_info: dict) -> np.ndarray:
        place = block_info[None]["array-location"]
        read.append(place)
        shape = tuple(b - a for a, b in place)
        noisy = all(800 <= a < 1100 for a, _ in place)
        return np.random.default_rng(0).random(shape, dtype=np.float32) if noisy else np.zeros(shape, np.float32)

    array = da.map_blocks(block, chunks=((100,) * 16,) * 3, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32))
    box = default_region(array, patch_size=128)
    assert holds(box, (900, 900, 900), 100)
    assert len(read) < 16**3


def test_channels_and_a_single_time_point() -> None:
    volume = open_volume(np.stack([blob((64, 64), (40, 8), 16)] * 2)[None], axes="tcyx")
    assert holds(default_region(volume, patch_size=16), (40, 8), 16)


def test_a_truth_of_another_shape() -> None:
    with pytest.raises(VolumeError, match="shape"):
        default_region(np.zeros((32, 32)), np.zeros((32, 31), np.uint8), patch_size=16)


def test_the_number_of_cells_stays_bounded() -> None:
    cell = region_module._cell((4000,) * 3, (64,) * 3)
    assert np.prod([-(-4000 // c) for c in cell]) <= 2048


def test_beside_a_box_lies_the_best_of_the_rest() -> None:
    """Two blobs: the better one is taken, so the other one is what remains."""
    image = 2 * blob((96, 96), (60, 60), 16) + blob((96, 96), (4, 6), 16)
    first = default_region(image, patch_size=16)
    assert holds(first, (60, 60), 16)
    second = default_region(image, patch_size=16, avoid=first)
    assert holds(second, (4, 6), 16)
    assert second.intersect(first).size == 0


def test_a_region_fits_exactly_between_a_box_and_the_end() -> None:
    """Neither end of the free part lies on the lattice of cells."""
    avoid = Box((0, 0), (47, 64))
    assert default_region(blob((64, 64), (4, 6), 16), patch_size=16, size=(17, 64), avoid=avoid).start == (47, 0)
    with pytest.raises(GeometryError, match="no room for a region of"):
        default_region(np.zeros((64, 64)), patch_size=16, size=(18, 64), avoid=avoid)
