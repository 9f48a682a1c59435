"""TIFF files that tifffile wrote: plain, OME, ImageJ, pyramids, and damaged ones."""

import gc
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile

from napari_seamless.errors import AxesError, MissingDependencyError, VolumeError
from napari_seamless.volume import open_volume

GREY = {"photometric": "minisblack"}


@pytest.fixture
def values():
    return np.random.default_rng(11).integers(1, 999, (4, 3, 64, 48)).astype(np.uint16)


def test_ome(tmp_path, values):
    path = tmp_path / "cells.ome.tif"
    metadata = {
        "axes": "ZCYX",
        "PhysicalSizeX": 0.25,
        "PhysicalSizeY": 500.0,
        "PhysicalSizeYUnit": "nm",
        "PhysicalSizeZ": 2.0,
        "PhysicalSizeZUnit": "µm",
        "Channel": {"Name": ["DAPI", "GFP", "RFP"]},
    }
    tifffile.imwrite(path, values, tile=(16, 16), compression="zlib", metadata=metadata, **GREY)
    volume = open_volume(path)
    assert (volume.name, volume.axes, volume.dtype) == ("cells", ("z", "c", "y", "x"), np.uint16)
    assert volume.spacing == (2, 500, 0.25)
    assert volume.units == ("micrometer", "nanometer", "micrometer")
    assert volume.channels == ("DAPI", "GFP", "RFP")
    assert volume.data.chunks == (1, 1, 16, 16)
    np.testing.assert_array_equal(volume.data[1:3, 2, 10:40, 5:], values[1:3, 2, 10:40, 5:])


@pytest.mark.parametrize("unit", ["micron", "\\u00B5m", "um"])
def test_imagej(tmp_path, values, unit):
    path = tmp_path / "cells.tif"
    metadata = {"axes": "ZCYX", "spacing": 3.0, "unit": unit}
    tifffile.imwrite(path, values, imagej=True, resolution=(4, 2), metadata=metadata)
    volume = open_volume(path)
    assert volume.axes == ("z", "c", "y", "x")
    assert volume.spacing == (3, 0.5, 0.25)
    assert volume.units == ("micrometer",) * 3
    np.testing.assert_array_equal(np.asarray(volume.data), values)


def test_imagej_without_calibration(tmp_path, values):
    tifffile.imwrite(tmp_path / "a.tif", values[:, 0], imagej=True, metadata={"axes": "ZYX"})
    volume = open_volume(tmp_path / "a.tif")
    assert (volume.spacing, volume.units) == ((1, 1, 1), (None,) * 3)


def test_plain_stack_is_spatial_and_its_dots_per_inch_mean_nothing(tmp_path, values):
    tifffile.imwrite(tmp_path / "a.tif", values[:, 0], resolution=(300, 300), resolutionunit="INCH", **GREY)
    volume = open_volume(tmp_path / "a.tif")
    assert (volume.axes, volume.spacing) == (("z", "y", "x"), (1, 1, 1))
    np.testing.assert_array_equal(volume.data[1, ::7], values[1, 0, ::7])


def test_four_unnamed_axes_are_not_guessed(tmp_path, values):
    tifffile.imwrite(tmp_path / "a.tif", values, **GREY)
    with pytest.raises(AxesError, match='axes="czyx"'):
        open_volume(tmp_path / "a.tif")
    assert open_volume(tmp_path / "a.tif", axes="zcyx").n_channels == 3


def test_axis_that_is_no_space_is_not_guessed(tmp_path, values):
    tifffile.imwrite(tmp_path / "a.tif", values[:, 0], metadata={"axes": "PYX"}, **GREY)
    with pytest.raises(AxesError, match="stores its axes as PYX"):
        open_volume(tmp_path / "a.tif")
    assert open_volume(tmp_path / "a.tif", axes="zyx").axes == ("z", "y", "x")


def test_samples_of_a_pixel_are_channels(tmp_path):
    values = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "rgb.tif", values, photometric="rgb")
    volume = open_volume(tmp_path / "rgb.tif")
    assert (volume.axes, volume.n_channels) == (("y", "x", "c"), 3)
    np.testing.assert_array_equal(np.asarray(volume.data), values)


def test_pyramid(tmp_path, values):
    with tifffile.TiffWriter(tmp_path / "pyramid.ome.tif") as writer:
        metadata = {"axes": "ZCYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 1.5}
        writer.write(values, subifds=1, tile=(16, 16), metadata=metadata, **GREY)
        writer.write(values[..., ::2, ::2], subfiletype=1, tile=(16, 16), **GREY)
    volume = open_volume(tmp_path / "pyramid.ome.tif")
    assert [level.spacing for level in volume.levels] == [(1.5, 0.5, 0.5), (1.5, 1, 1)]
    assert volume.levels[1].translation == (0, 0.25, 0.25)
    np.testing.assert_array_equal(np.asarray(volume.levels[1].data), values[..., ::2, ::2])


def test_threads_read_the_same_numbers_and_the_file_is_closed(tmp_path, values):
    tifffile.imwrite(tmp_path / "a.tif", values[:, 0], tile=(16, 16), compression="zlib", **GREY)
    data = open_volume(tmp_path / "a.tif").data
    with ThreadPoolExecutor(4) as pool:
        planes = list(pool.map(data.__getitem__, [i % 4 for i in range(24)]))
    for i, plane in enumerate(planes):
        np.testing.assert_array_equal(plane, values[i % 4, 0])
    del data
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()
    assert [w for w in caught if issubclass(w.category, ResourceWarning)] == []


def test_damaged_tile_is_named(tmp_path, values):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values[:, 0], tile=(16, 16), compression="zlib", **GREY)
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[2].dataoffsets[5]
    content = bytearray(path.read_bytes())
    content[offset : offset + 60] = b"x" * 60
    path.write_bytes(content)
    data = open_volume(path).data
    np.testing.assert_array_equal(data[:2], values[:2, 0])
    with pytest.raises(VolumeError, match=r"chunk \(2, 1, 2\) of a\.tif cannot be read .*restore the file"):
        data[...]
    filled = open_volume(path, damaged_chunks="fill").data
    expected = values[:, 0].copy()
    expected[2, 16:32, 32:48] = 0
    np.testing.assert_array_equal(filled[...], expected)
    assert filled.damaged_chunks == ((2, 1, 2),)


def test_file_that_only_begins_like_a_tiff(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0" + b"\xff" * 20)
    with pytest.raises(VolumeError, match="is no readable TIFF"):
        open_volume(tmp_path / "a.tif")


def test_compression_without_its_package(tmp_path, values, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", values[:, 0], compression="zlib", **GREY)
    monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", {1: bytes})
    with pytest.raises(MissingDependencyError, match=r"imagecodecs.*napari-seamless\[tiff\]"):
        open_volume(tmp_path / "a.tif")
