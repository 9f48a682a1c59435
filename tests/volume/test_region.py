"""Regions as people write them."""

import numpy as np
import pytest

from napari_seamless.errors import GeometryError, SettingsError
from napari_seamless.types import Box
from napari_seamless.volume import open_volume, parse_region

VOLUME = open_volume(np.zeros((2, 100, 200, 300), np.uint8), axes="czyx", name="brain")
WHOLE = Box((0, 0, 0), (100, 200, 300))

UNDERSTOOD = [
    ("64:80,0:128,:", Box((64, 0, 0), (80, 128, 300))),
    (" 64 : 80 , : , 10: ", Box((64, 0, 10), (80, 200, 300))),
    (":,:,:", WHOLE),
    ("-10:,:-50,-3:-1", Box((90, 0, 297), (100, 150, 299))),
    ("z=64:80,x=:50", Box((64, 0, 0), (80, 200, 50))),
    ("X=10:20, Z=-1:", Box((99, 0, 10), (100, 200, 20))),
    (Box((1, 2, 3), (4, 5, 6)), Box((1, 2, 3), (4, 5, 6))),
    ((slice(1, 4), slice(None), slice(-5, None, 1)), Box((1, 0, 295), (4, 200, 300))),
    ((slice(np.int64(3), 4), slice(0, 200), slice(None)), Box((3, 0, 0), (4, 200, 300))),
]

REFUSED = [
    ("1:2,3:4", (GeometryError, r"has 2 axes, but brain has 3 \(z, y, x\)")),
    ("0:101,:,:", (GeometryError, r"outside the volume along z: it is 0:101, and brain has 100 voxels")),
    ("-101:,:,:", (GeometryError, "outside the volume along z: it is -1:100")),
    ("5:5,:,:", (GeometryError, "is empty along z: it is 5:5")),
    (":,:,9:3", (GeometryError, "is empty along x")),
    ("c=0:1", (SettingsError, r"names the axis 'c', but the spatial axes of brain are z, y, x")),
    ("z=0:1,z=2:3", (SettingsError, "written as intervals")),
    ("z=0:1,:,:", (SettingsError, "written as intervals")),
    ("0:10:2,:,:", (SettingsError, "written as intervals")),
    ("a:b,:,:", (SettingsError, "written as intervals")),
    ("", (SettingsError, "written as intervals")),
    ("1.5:2,:,:", (SettingsError, "written as intervals")),
    (7, (SettingsError, r"got 7\.")),
    ((slice(0, 8, 2), slice(None), slice(None)), (SettingsError, "written as intervals")),
    ((slice(0.5, 8), slice(None), slice(None)), (SettingsError, "written as intervals")),
    ((0, 1, 2), (SettingsError, "written as intervals")),
    (Box((0, 0), (1, 1)), (GeometryError, "has 3 spatial axes")),
    (Box((-1, 0, 0), (1, 1, 1)), (GeometryError, "outside the volume along z")),
]


@pytest.mark.parametrize(("value", "box"), UNDERSTOOD, ids=str)
def test_understood(value, box):
    assert parse_region(value, VOLUME) == box


@pytest.mark.parametrize(("value", "refusal"), REFUSED, ids=str)
def test_refused(value, refusal):
    kind, match = refusal
    with pytest.raises(kind, match=match) as refused:
        parse_region(value, VOLUME)
    assert "\n" not in str(refused.value)


def test_a_line_takes_one_interval():
    line = open_volume(np.zeros(50))
    assert parse_region("10:20", line) == parse_region(slice(10, 20), line) == Box((10,), (20,))
