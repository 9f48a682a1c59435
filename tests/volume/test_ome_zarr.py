"""OME-Zarr images and labels that ome-zarr-py wrote, and what its own reader makes of them."""

import warnings

import numpy as np
import pytest
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr.writer import write_multiscale, write_multiscale_labels

from napari_seamless.errors import VolumeError
from napari_seamless.volume import open_volume

AXES = [{"name": "c", "type": "channel"}, *({"name": a, "type": "space", "unit": "micrometer"} for a in "zyx")]
STEPS = [
    [{"type": "scale", "scale": [1, 2, 0.5, 0.25]}, {"type": "translation", "translation": [0, 1, 2, 3]}],
    [{"type": "scale", "scale": [1, 4, 1, 0.5]}, {"type": "translation", "translation": [0, 2, 2.25, 3.125]}],
]
NAMES = {"colors": [{"label-value": 1, "rgba": [255, 0, 0, 255]}], "properties": [{"label-value": 2, "name": "grey"}]}


@pytest.fixture(params=[FormatV04(), FormatV05()], ids=["0.4", "0.5"])
def stored(request, tmp_path):
    """An image of two channels and two levels, with labels, and the numbers that it holds."""
    values = np.random.default_rng(8).integers(1, 999, (2, 8, 12, 16)).astype(np.uint16)
    path = tmp_path / "brain.ome.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=request.param.zarr_format)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the only way to give ome-zarr-py a translation
        write_multiscale(
            [values, values[:, ::2, ::2, ::2]], group, fmt=request.param, axes=AXES, coordinate_transformations=STEPS
        )
        tissue = values[0] % 3
        write_multiscale_labels(
            [tissue, tissue[::2, ::2, ::2]], group, "tissue", fmt=request.param, axes="zyx", label_metadata=NAMES
        )
    return path, values


def test_metadata_of_every_level(stored):
    path, values = stored
    volume = open_volume(path)
    assert (volume.name, volume.axes, volume.source) == ("brain", ("c", "z", "y", "x"), str(path))
    assert volume.units == ("micrometer",) * 3
    assert [level.spacing for level in volume.levels] == [(2, 0.5, 0.25), (4, 1, 0.5)]
    assert [level.translation for level in volume.levels] == [(1, 2, 3), (2, 2.25, 3.125)]
    assert not volume.is_labels
    np.testing.assert_array_equal(volume.data[1, 2:5], values[1, 2:5])
    np.testing.assert_array_equal(np.asarray(volume.levels[1].data), values[:, ::2, ::2, ::2])


def test_agrees_with_the_reader_of_ome_zarr_py(stored):
    path, _ = stored
    node = next(iter(Reader(parse_url(path))()))
    volume = open_volume(path)
    assert [axis["name"] for axis in node.metadata["axes"]] == list(volume.axes)
    for level, steps, data in zip(volume.levels, node.metadata["coordinateTransformations"], node.data, strict=True):
        assert level.spacing == tuple(steps[0]["scale"][1:])
        assert level.translation == tuple(steps[1]["translation"][1:])
        np.testing.assert_array_equal(np.asarray(level.data), np.asarray(data))


def test_labels_carry_their_names(stored):
    path, values = stored
    labels = open_volume(path / "labels" / "tissue")
    assert labels.is_labels
    assert labels.name == "tissue"
    assert dict(labels.label_names) == {2: "grey"}
    np.testing.assert_array_equal(np.asarray(labels.data), values[0] % 3)
    with pytest.raises(VolumeError, match=r"labels/tissue\.$"):
        open_volume(path / "labels")


def test_level_opened_by_its_own_path_keeps_its_metadata(stored):
    path, values = stored
    level = open_volume(path / "s1")
    assert (level.name, level.axes, level.spacing) == ("s1", ("c", "z", "y", "x"), (4, 1, 0.5))
    assert (level.translation, level.units, level.source) == ((2, 2.25, 3.125), ("micrometer",) * 3, str(path / "s1"))
    assert len(level.levels) == 1
    np.testing.assert_array_equal(np.asarray(level.data), values[:, ::2, ::2, ::2])


def test_array_beside_the_levels_is_a_plain_array(stored):
    path, _ = stored
    zarr.open_group(path, mode="r+").create_array("mask", shape=(4, 5), dtype="u1")
    assert open_volume(path / "mask").spacing == (1, 1)


def test_array_of_an_image_with_damaged_metadata_can_be_opened(stored):
    path, values = stored
    _edit(path, lambda ome: ome["multiscales"][0].pop("datasets"))
    volume = open_volume(path / "s0", axes="czyx")
    np.testing.assert_array_equal(volume.data[1, 2], values[1, 2])


def test_open_group_is_read_too(stored):
    path, _ = stored
    assert open_volume(zarr.open_group(path, mode="r")).spacing == (2, 0.5, 0.25)


def _edit(path, change):
    group = zarr.open_group(path, mode="r+")
    attributes = group.attrs.asdict()
    change(attributes.get("ome", attributes))
    group.attrs.put(attributes)


def test_transformations_of_the_image_follow_those_of_the_level(stored):
    path, _ = stored

    def add(ome):
        ome["multiscales"][0]["coordinateTransformations"] = [
            {"type": "scale", "scale": [1, 10, 10, 10]},
            {"type": "translation", "translation": [0, 100, 0, 0]},
        ]

    _edit(path, add)
    volume = open_volume(path)
    assert [level.spacing for level in volume.levels] == [(20, 5, 2.5), (40, 10, 5)]
    assert [level.translation for level in volume.levels] == [(110, 20, 30), (120, 22.5, 31.25)]


def test_overrides_move_every_level(stored):
    volume = open_volume(stored[0], spacing=(1, 1, 1), translation=0, units="mm")
    assert [level.spacing for level in volume.levels] == [(1, 1, 1), (2, 2, 2)]
    assert [level.translation for level in volume.levels] == [(0, 0, 0), (0.5, 0.5, 0.5)]
    assert volume.units == ("millimeter",) * 3


def test_channel_names_and_old_axes(stored):
    path, _ = stored

    def change(ome):
        ome["omero"] = {"channels": [{"label": "DAPI"}, {"label": "GFP"}]}
        ome["multiscales"][0]["axes"] = ["c", "z", "y", "x"]

    _edit(path, change)
    volume = open_volume(path)
    assert volume.channels == ("DAPI", "GFP")
    assert volume.axes == ("c", "z", "y", "x")
    assert volume.units == (None,) * 3


def test_image_without_axes_and_scales():
    group = zarr.create_group(zarr.storage.MemoryStore(), zarr_format=2)
    for path, n in (("0", 9), ("1", 4)):
        group.create_array(path, shape=(1, 1, n, n, n), dtype="u1")
    group.attrs["multiscales"] = [{"version": "0.1", "datasets": [{"path": "0"}, {"path": "1"}]}]
    volume = open_volume(group)
    assert volume.axes == ("t", "c", "z", "y", "x")
    assert volume.levels[1].spacing == (2, 2, 2)
    assert volume.levels[1].translation == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda ome: ome["multiscales"][0]["datasets"][1].update(path="9"), "lists the level '9'"),
        (lambda ome: ome["multiscales"][0].pop("datasets"), "cannot be understood"),
        (lambda ome: ome["multiscales"][0]["axes"].pop(), "one name for each of the 4 dimensions"),
        (
            lambda ome: ome["multiscales"][0]["datasets"][0].update(coordinateTransformations=[{"type": "rotation"}]),
            "rotation",
        ),
    ],
)
def test_incomplete_metadata_is_refused(stored, change, words):
    _edit(stored[0], change)
    with pytest.raises(VolumeError, match=words):
        open_volume(stored[0])
