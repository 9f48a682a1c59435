"""Probabilities are shown from 0 to 1, however they are stored."""

from __future__ import annotations

import numpy as np
import pytest

from napari_seamless._napari.layers import probability_layers
from napari_seamless.volume import open_volume


@pytest.mark.parametrize(("dtype", "one"), [("float32", 1), ("float16", 1), ("uint8", 255)])
def test_the_limits_are_those_of_the_type(dtype: str, one: int) -> None:
    volume = open_volume(np.zeros((3, 4, 5, 6), dtype), axes="czyx")
    layers = probability_layers(volume, ("background", "cell", "gap"))
    assert [kind for _, _, kind in layers] == ["image", "image"]
    assert [arguments["contrast_limits"] for _, arguments, _ in layers] == [(0, one), (0, one)]
