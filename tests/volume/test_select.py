"""Choosing one index along time or channel."""

import numpy as np
import pytest

from napari_seamless.errors import AxesError
from napari_seamless.volume import at, open_volume, with_chunk_policy


@pytest.fixture
def film():
    values = np.random.default_rng(13).random((5, 2, 4, 6, 8))
    return open_volume(values, axes="tczyx", spacing=(3, 2, 1)), values


@pytest.mark.parametrize("t", [0, 3, -1])
def test_time_is_dropped(film, t):
    volume, values = film
    chosen = at(volume, t=t)
    assert (chosen.axes, chosen.shape, chosen.spacing) == (("c", "z", "y", "x"), (2, 4, 6, 8), (3, 2, 1))
    np.testing.assert_array_equal(np.asarray(chosen.data), values[t])
    np.testing.assert_array_equal(chosen.data[1, ..., 2:5], values[t, 1, ..., 2:5])


def test_two_axes_are_dropped(film):
    volume, values = film
    chosen = at(volume, t=1, c=1)
    assert chosen.axes == ("z", "y", "x")
    np.testing.assert_array_equal(chosen.data[2], values[1, 1, 2])


@pytest.mark.parametrize(
    ("index", "words"), [({"t": 5}, "t=5 is outside"), ({"z": 0}, "axes that are not spatial: t, c"), ({"b": 0}, "'b'")]
)
def test_wrong_choices_are_refused(film, index, words):
    with pytest.raises(AxesError, match=words):
        at(film[0], **index)


def test_nothing_is_read(film):
    class Untouchable:
        shape, dtype = (5, 4, 6), np.dtype("u1")

        def __getitem__(self, key):
            raise AssertionError("voxels were read")

    volume = open_volume(Untouchable(), axes="tyx")
    assert with_chunk_policy(at(volume, t=2), "error").shape == (4, 6)
