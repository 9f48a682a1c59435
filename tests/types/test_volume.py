"""A volume knows its axes."""

from __future__ import annotations

import dataclasses

import numpy as np

from napari_seamless.types import ArrayLike, Level, Volume


def test_a_volume_tells_space_from_channels_and_time() -> None:
    level = Level(data=np.zeros((1, 2, 3, 4, 5), np.uint16), spacing=(3.0, 1.0, 0.5), translation=(0.0, 0.0, 7.0))
    volume = Volume(name="v", axes=("t", "c", "z", "y", "x"), levels=(level,), units=(None,) * 3)
    assert volume.spatial_axes == ("z", "y", "x")
    assert volume.spatial_shape == (3, 4, 5)
    assert volume.n_channels == 2
    assert volume.dtype == np.uint16
    assert (volume.spacing, volume.translation) == (level.spacing, level.translation)
    assert isinstance(volume.data, ArrayLike)
    flat = Volume(
        name="v", axes=("y", "x"), levels=(dataclasses.replace(level, data=np.zeros((4, 5))),), units=(None,) * 2
    )
    assert flat.n_channels == 1
