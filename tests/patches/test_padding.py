"""A padded box equals the same box of NumPy's padding of the whole volume."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.errors import GeometryError, SettingsError
from napari_seamless.patches.padding import read_padded
from napari_seamless.plan import make_plan
from napari_seamless.types import Box, Padding

MODES = ["constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "mean", "median", "minimum"]


def numpy_keywords(padding: Padding) -> dict[str, Any]:
    """Say the same to NumPy."""
    extra: dict[str, dict[str, Any]] = {
        "constant": {"constant_values": padding.value},
        "linear_ramp": {"end_values": padding.value},
        "reflect": {"reflect_type": padding.reflect_type},
        "symmetric": {"reflect_type": padding.reflect_type},
    }
    if padding.is_statistic:
        return {"mode": padding.mode, "stat_length": padding.stat_length}
    return {"mode": padding.mode, **extra.get(padding.mode, {})}


class Watched:
    """An array that notes how many voxels were read and refuses boxes outside."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.values = values
        self.voxels = 0

    def __call__(self, box: Box) -> np.ndarray[Any, Any]:
        assert all(0 <= a < b <= n for a, b, n in zip(box.start, box.stop, self.values.shape, strict=True)), box
        self.voxels += box.size
        return self.values[box.slices]


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[int, ...], Box, Padding]:
    """Draw a shape, how far it is padded, a box anywhere in the padded volume, and a padding."""
    shape = tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)))
    width = tuple((draw(st.integers(0, 12)), draw(st.integers(0, 12))) for _ in shape)
    start = tuple(draw(st.integers(-before, n + after - 1)) for n, (before, after) in zip(shape, width, strict=True))
    stop = tuple(draw(st.integers(a + 1, n + after)) for a, n, (_, after) in zip(start, shape, width, strict=True))
    padding = Padding(
        mode=draw(st.sampled_from(MODES)),  # type: ignore[arg-type]
        value=float(draw(st.integers(-5, 5))),
        stat_length=draw(st.integers(1, 10)),
        reflect_type=draw(st.sampled_from(["even", "odd"])),  # type: ignore[arg-type]
        width=width,
    )
    return shape, Box(start, stop), padding


@given(case=cases(), dtype=st.sampled_from([np.int32, np.float32]))
def test_a_box_equals_that_box_of_the_padded_volume(case: Any, dtype: type) -> None:
    shape, box, padding = case
    volume = np.random.default_rng(math.prod(shape)).integers(0, 100, shape).astype(dtype)
    whole = np.pad(volume, padding.width, **numpy_keywords(padding))
    expected = whole[box.within(tuple(-before for before, _ in padding.width)).slices]
    found = read_padded(Watched(volume), shape, box, padding)
    assert found.dtype == expected.dtype
    if dtype is np.int32:
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_a_patch_at_the_corner_reads_about_a_patch_not_the_volume(mode: Any) -> None:
    plan = make_plan((1000, 1001), 32, 0.5, border="pad")
    read = Watched(np.zeros(plan.shape, np.uint8))
    padding = Padding(mode=mode, stat_length=32, width=plan.pad_width)
    for index in ((0, 0), tuple(n - 1 for n in plan.grid_shape)):
        assert read_padded(read, plan.shape, plan.patch_box(index), padding).shape == (32, 32)
    assert 0 < read.voxels <= 2 * 32 * 32


def test_leading_axes_are_not_padded() -> None:
    volume = np.arange(12.0).reshape(2, 6)
    padding = Padding(mode="mean", stat_length=2, width=((2, 0),))
    found = read_padded(lambda box: volume[:, box.slices[0]], (6,), Box((-2,), (3,)), padding)
    np.testing.assert_array_equal(found, [[0.5, 0.5, 0, 1, 2], [6.5, 6.5, 6, 7, 8]])


def test_a_box_beyond_the_padding_is_refused() -> None:
    with pytest.raises(GeometryError, match="reaches beyond"):
        read_padded(Watched(np.zeros(4)), (4,), Box((2,), (7,)), Padding(width=((0, 2),)))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"mode": "empty"}, "The padding mode must be constant"),
        ({"mode": "maximum"}, "needs a stat_length"),
        ({"mode": "mean", "stat_length": 0}, "needs a stat_length"),
        ({"mode": "reflect", "reflect_type": "both"}, "even or odd"),
    ],
)
def test_what_cannot_be_padded_lazily_is_refused_in_a_sentence(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        Padding(**arguments)
