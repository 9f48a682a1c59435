"""Layers of a result look at its array and never hold a copy of it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_seamless._napari.layers import probability_layers
from napari_seamless.types import Level, Volume


@pytest.mark.parametrize("axes", ["czyx", "tczyx", "zyxc"])
def test_class_layers_show_what_is_written_after_they_were_made(axes: str) -> None:
    shape = tuple({"c": 3, "t": 2, "z": 4, "y": 5, "x": 6}[axis] for axis in axes)
    array = np.zeros(shape, np.float32)
    level = Level(data=array, spacing=(1.0,) * 3, translation=(0.0,) * 3)
    volume = Volume(name="v", axes=tuple(axes), levels=(level,), units=(None,) * 3)
    layers = probability_layers(volume, ("background", "white", "grey"))
    array[...] = np.random.default_rng(0).random(shape)
    assert [arguments["name"] for _, arguments, _ in layers] == ["v white", "v grey"]
    for index, (data, _, _) in enumerate(layers, start=1):
        np.testing.assert_array_equal(data, np.take(array, index, axes.index("c")))
