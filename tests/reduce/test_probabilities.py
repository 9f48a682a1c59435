"""Means are divided once, rounded to the nearest value of the type, and refused where the type cannot hold them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_seamless.errors import ModelError
from napari_seamless.reduce import mean_probabilities, stored_probabilities
from napari_seamless.reduce.probabilities import _on_device

TYPES = [np.dtype(np.float32), np.dtype(np.float16), np.dtype(np.uint8)]


def blended(shape: tuple[int, ...], classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (class, *shape) sums of probabilities and their weights, a tenth of them 0."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.001, 8, shape).astype(np.float32)
    weights[rng.random(shape) < 0.1] = 0
    return rng.random((classes, *shape), np.float32) * weights, weights


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("shape", [(5,), (40, 41), (33, 34, 35)])
def test_stored_is_the_rounded_mean(dtype: np.dtype, shape: tuple[int, ...]) -> None:
    sums, weights = blended(shape)
    means = np.zeros_like(sums)
    np.divide(sums, weights, out=means, where=weights > 0)
    stored = stored_probabilities(torch.from_numpy(sums.copy()), weights, dtype)
    assert stored.dtype == dtype
    if dtype == np.uint8:
        # the nearest, but for means whose product with 255 is a tie in float32
        assert np.abs(stored - 255 * means.astype(np.float64)).max() <= 0.5 + 1e-5
    else:
        np.testing.assert_array_equal(stored, means.astype(dtype))
    assert not stored[:, weights == 0].any()


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_a_device_gives_the_bytes_of_the_host(dtype: np.dtype) -> None:
    sums, weights = blended((20, 21, 22))
    host = stored_probabilities(torch.from_numpy(sums.copy()), weights, dtype)
    # what runs on a device runs on any
    device = _on_device(torch.from_numpy(sums.copy()), weights, dtype)
    assert device.dtype == host.dtype
    assert device.tobytes() == host.tobytes()


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=4, max_side=5), elements=st.floats(0, 1, width=32)))
def test_uint8_is_off_by_at_most_half_a_step(means: np.ndarray) -> None:
    weights = np.ones(means.shape[1:], np.float32)
    stored = stored_probabilities(torch.from_numpy(means.copy()), weights, np.dtype(np.uint8))
    assert np.abs(stored / 255 - means.astype(np.float64)).max() <= 0.5 / 255 + 1e-7


def test_uint8_has_both_ends_and_takes_the_rounding_of_a_blend() -> None:
    sums = torch.tensor([[0.0, 1.0, 1.0000002, -1e-7, 0.5]])
    stored = stored_probabilities(sums, np.ones(5, np.float32), np.dtype(np.uint8))
    np.testing.assert_array_equal(stored, [[0, 255, 255, 0, 128]])


@pytest.mark.parametrize(
    ("dtype", "value", "said"),
    [
        (np.uint8, 1.01, "from 0 to 1"),
        (np.uint8, -3.0, "from 0 to 1"),
        (np.float16, 7e4, "65504"),
        (np.float16, -1e5, "65504"),
    ],
)
@pytest.mark.parametrize("reduce", [stored_probabilities, _on_device])
def test_values_that_a_type_cannot_hold_are_refused(dtype: type, value: float, said: str, reduce) -> None:
    sums = torch.tensor([[0.5, value]])
    with pytest.raises(ModelError, match=rf"{said}.*{value:g}.*activation") as refused:
        reduce(sums, np.ones(2, np.float32), np.dtype(dtype))
    assert str(refused.value).startswith(f"probability_dtype {np.dtype(dtype)}")


def test_float32_holds_raw_outputs_as_they_are() -> None:
    sums = torch.tensor([[-1e30, 3.0], [2.0, 1e30]])
    stored = stored_probabilities(sums.clone(), np.full(2, 2, np.float32), np.dtype(np.float32))
    np.testing.assert_array_equal(stored, sums.numpy() / 2)


def test_probabilities_are_zero_where_no_patch_lies() -> None:
    sums = torch.tensor([[2.0, 0.0], [6.0, 0.0]])
    means = mean_probabilities(sums, np.array([8, 0], np.float32))
    np.testing.assert_array_equal(means, [[0.25, 0], [0.75, 0]])
    assert means.dtype == np.float32


def test_weights_are_not_written_to() -> None:
    sums, weights = blended((6, 6))
    weights.setflags(write=False)  # they are shared by all boxes that lie alike
    for dtype in TYPES:
        stored_probabilities(torch.from_numpy(sums.copy()), weights, dtype)
        _on_device(torch.from_numpy(sums.copy()), weights, dtype)
